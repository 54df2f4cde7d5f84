/** Somebody who keeps the console open: reads its events until the gateway that started this ends. */
const [url = ''] = process.argv.slice(2);
const exit = (): never => process.exit(0);
process.once('disconnect', exit);
const { body } = await fetch(url);
if (body === null) throw new Error(`${url} sends nothing`);
// To its end, or until it breaks off with the gateway.
await body.pipeTo(new WritableStream()).then(exit, exit);
