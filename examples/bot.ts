// Answers each event of a consumer once. Needs Node 22.13 or newer:
// node --experimental-strip-types examples/bot.ts bot.db
//
// Delivery is at least once, so the key of the event is written in the transaction of the answer.
import { hostname } from "node:os";
import { DatabaseSync } from "node:sqlite";

type Event = { dedupe_key: string; kind: string }; // All: hookshelf schema --typescript
const { HOOKSHELF_URL = "http://127.0.0.1:9090", HOOKSHELF_TOKEN, CONSUMER = "bot" } = process.env;
const headers = { Authorization: `Bearer ${HOOKSHELF_TOKEN}`, "Content-Type": "application/json" };
const worker = process.env.WORKER ?? hostname(); // Another name for each bot
const db = new DatabaseSync(process.argv[2]);
db.exec(`PRAGMA busy_timeout = 5000;
  CREATE TABLE IF NOT EXISTS done (dedupe_key TEXT PRIMARY KEY);
  CREATE TABLE IF NOT EXISTS answers (dedupe_key TEXT, kind TEXT)`);
const markDone = db.prepare("INSERT OR IGNORE INTO done VALUES (?)");
const addAnswer = db.prepare("INSERT INTO answers VALUES (?, ?)");

function answer(event: Event) {
  db.exec("BEGIN IMMEDIATE");
  try {
    if (markDone.run(event.dedupe_key).changes) addAnswer.run(event.dedupe_key, event.kind);
    db.exec("COMMIT");
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
}

/** Repeats a request until it succeeds. A repeated settlement is harmless. */
async function post(verb: string, body: object): Promise<any> {
  const home = `${HOOKSHELF_URL}/v1/consumers/${CONSUMER}/${verb}`;
  // A followed redirect would lose the token.
  const request = { method: "POST", headers, body: JSON.stringify(body), redirect: "manual" } as const;
  const send = (url: string) => fetch(url, { ...request, signal: AbortSignal.timeout(90_000) });
  for (;;) {
    try {
      let response = await send(home);
      if (response.status === 307) response = await send(response.headers.get("Location")!); // The owner of the consumer
      if (response.ok) return await response.json();
      console.error(response.status, await response.text());
      if (response.status < 500 && ![307, 409, 429].includes(response.status)) process.exit(1); // 409: paused
    } catch (error: any) {
      console.error(error.cause ?? error);
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

await post("release", { worker }); // Events that this worker held before a crash
for (;;) {
  const [acks, nacks]: [string[], object[]] = [[], []];
  for (const { lease, event } of (await post("lease", { max: 10, wait_s: 25, worker })).events) {
    try {
      answer(event);
      acks.push(lease);
    } catch (error) {
      console.error(error);
      nacks.push({ lease, code: "answer_failed" });
    }
  }
  for (const { result } of (await post("settle", { acks, nacks })).results) {
    if (result === "lost" || result === "unknown") console.error(result); // Another worker has the event, or will
  }
}
