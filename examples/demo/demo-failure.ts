/** Why the demo cannot go on, in words for whoever started it. */
export class DemoFailure extends Error {}
