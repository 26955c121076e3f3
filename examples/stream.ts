// Follows the events of Hookshelf, and acts on each exactly once. Needs Node 22.6 or newer:
// node --experimental-strip-types examples/stream.ts stream.log
//
// The last line of the file begins with the position to resume after. A script without a file starts now.
import { appendFileSync, readFileSync, truncateSync } from "node:fs";

type Event = { dedupe_key: string; kind: string }; // All: hookshelf schema --typescript
const stream = (process.env.HOOKSHELF_URL ?? "http://127.0.0.1:9090") + "/v1/events/stream";
const file = process.argv[2];

/** Saves the action and its position in one write, so that no crash separates them. */
function act(position: string, event?: Event) {
  const action = event ? `\t${event.dedupe_key}\t${event.kind}` : "";
  appendFileSync(file, `${position}${action}\n`);
}

/** Returns the position of the last action, and removes a line that a crash cut off. */
function resume(): string | undefined {
  appendFileSync(file, "");
  const text = readFileSync(file, "latin1"); // A character for each byte
  const end = text.lastIndexOf("\n") + 1;
  truncateSync(file, end);
  return text.slice(0, end).trimEnd().split("\n").pop()?.split("\t")[0] || undefined;
}

async function follow(position?: string) {
  const headers: Record<string, string> = { Authorization: `Bearer ${process.env.HOOKSHELF_TOKEN}` };
  if (position) headers["Last-Event-ID"] = position;
  const answer = await fetch(stream, { headers });
  if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) {
    console.error(await answer.text()); // 401: token; 409: database restored
    process.exit(1);
  }
  if (!answer.ok) throw new Error(await answer.text());
  let unread = "";
  for await (const part of answer.body!.pipeThrough(new TextDecoderStream())) {
    const blocks = (unread + part).split("\n\n");
    unread = blocks.pop()!;
    for (const block of blocks) {
      const field = (name: string) => block.match(new RegExp(`^${name}: (.*)$`, "m"))?.[1];
      const [id, event, data] = [field("id")!, field("event"), field("data")];
      if (event) console.error(event, data); // gap: the positions from `from` to `to` are gone; or caught_up
      if (data && !event) act(id, JSON.parse(data));
      else if (id !== position) act(id); // No event, but a later position
      position = id;
    }
  }
}

for (;;) {
  await follow(resume()).catch((error) => console.error(error.cause ?? error));
  await new Promise((resolve) => setTimeout(resolve, 1000));
}
