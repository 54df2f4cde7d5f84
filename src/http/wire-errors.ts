/**
 * A response was larger than a limit and its connection was closed at once. It is the `cause` of the
 * AxiosError a caller sees.
 */
export class ResponseTooLargeError extends Error {
  override readonly name = 'ResponseTooLargeError';

  /**
   * @param limitName the option that was exceeded
   * @param limitBytes its value: bytes as sent for `maxWireBytes`, after decompression for `maxContentLength`
   */
  constructor(
    readonly limitName: 'maxWireBytes' | 'maxContentLength',
    readonly limitBytes: number,
  ) {
    super(`${limitName} size of ${limitBytes} exceeded`);
  }
}

/**
 * A response arrived but cannot be read: broken compression, broken HTTP framing, or text that is not
 * JSON where JSON was demanded. It is the `cause` of the AxiosError a caller sees, and never quotes the body.
 */
export class InvalidBodyError extends Error {
  override readonly name = 'InvalidBodyError';
}

/** Text that is not JSON where JSON was demanded. The parser's own words would quote it. */
export class NotJsonError extends InvalidBodyError {
  constructor() {
    super('the response body is not valid JSON');
  }
}
