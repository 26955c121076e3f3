// Answers each event of a consumer once: node --experimental-strip-types examples/bot.ts bot.db (Node 22.13)
// Delivery is at least once, so the key of the event is written in the transaction of the answer.
import { hostname } from "node:os";
import { DatabaseSync } from "node:sqlite";

type Event = { dedupe_key: string; kind: string }; // All: hookshelf schema --typescript
const { HOOKSHELF_URL = "http://127.0.0.1:9090", HOOKSHELF_TOKEN, CONSUMER = "bot" } = process.env;
const headers = { Authorization: `Bearer ${HOOKSHELF_TOKEN}`, "Content-Type": "application/json" };
const worker = process.env.WORKER ?? hostname(); // Another name for each bot
const db = new DatabaseSync(process.argv[2]);
db.exec("PRAGMA busy_timeout = 5000; CREATE TABLE IF NOT EXISTS done (dedupe_key TEXT PRIMARY KEY)");
db.exec("CREATE TABLE IF NOT EXISTS answers (dedupe_key TEXT, kind TEXT)");

function answer({ dedupe_key, kind }: Event) {
  db.exec("BEGIN IMMEDIATE");
  try {
    const isNew = db.prepare("INSERT OR IGNORE INTO done VALUES (?)").run(dedupe_key).changes;
    if (isNew) db.prepare("INSERT INTO answers VALUES (?, ?)").run(dedupe_key, kind);
    db.exec("COMMIT");
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
}

async function post(verb: string, body: object): Promise<any> {
  const home = `${HOOKSHELF_URL}/v1/consumers/${CONSUMER}/${verb}`;
  const request = { method: "POST", headers, body: JSON.stringify(body), redirect: "manual" } as const;
  for (let url = home; ; await new Promise((resolve) => setTimeout(resolve, 1000))) {
    try { // Until it succeeds; a repeated settlement is harmless
      const response = await fetch(url, { ...request, signal: AbortSignal.timeout(90_000) });
      if (response.ok) return await response.json();
      console.error(response.status, await response.text());
      if (response.status < 500 && ![307, 409, 429].includes(response.status)) process.exit(1); // 409: paused
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
      answer(event);
      acks.push(lease);
    } catch (error) {
      console.error(error);
      nacks.push({ lease, code: "answer_failed" });
    }
  }
  await post("settle", { acks, nacks });
}
