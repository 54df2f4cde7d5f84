/** Somebody who keeps the console open: reads its events until the gateway that started this ends. */
const [url = ''] = process.argv.slice(2);
process.once('disconnect', () => process.exit(0));
const { body } = await fetch(url);
if (body === null) throw new Error(`${url} sends nothing`);
for await (const _ of body) {
  // Read, as a browser would.
}
