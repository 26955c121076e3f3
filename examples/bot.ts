// Answers each event of a consumer once: node --experimental-strip-types examples/bot.ts bot.db (Node 22.13)
// Delivery is at least once, so the answer has the key of the event, and a second answer is left out.
import { hostname } from "node:os";
import { DatabaseSync } from "node:sqlite";

const { HOOKSHELF_URL = "http://127.0.0.1:9090", HOOKSHELF_TOKEN, CONSUMER = "bot" } = process.env;
const headers = { Authorization: `Bearer ${HOOKSHELF_TOKEN}`, "Content-Type": "application/json" };
const worker = process.env.WORKER ?? hostname(); // Another name for each bot
const db = new DatabaseSync(process.argv[2]);
db.exec("PRAGMA busy_timeout = 5000; CREATE TABLE IF NOT EXISTS answers (dedupe_key TEXT PRIMARY KEY, kind TEXT)");

async function post(verb: string, body: object): Promise<any> {
  const home = `${HOOKSHELF_URL}/v1/consumers/${CONSUMER}/${verb}`;
  for (let url = home; ; await new Promise((resolve) => setTimeout(resolve, 1000))) {
    try {
      const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body), redirect: "manual" });
      if (response.ok) return await response.json(); // Otherwise again: a repeated settlement is harmless
      console.error(response.status, await response.text());
      url = response.headers.get("Location") ?? home; // 307: the owner of the consumer
    } catch (error: any) {
      console.error(error.cause ?? error);
      url = home;
    }
  }
}

await post("release", { worker }); // Events that this worker held before a crash
for (;;) {
  const [acks, nacks]: [string[], object[]] = [[], []];
  for (const { lease, event } of (await post("lease", { max: 10, wait_s: 25, worker })).events) {
    try {
      db.prepare("INSERT INTO answers VALUES (?, ?) ON CONFLICT DO NOTHING").run(event.dedupe_key, event.kind);
      acks.push(lease);
    } catch (error) {
      console.error(error);
      nacks.push({ lease, code: "answer_failed" });
    }
  }
  await post("settle", { acks, nacks });
}
