// Receives webhooks of Meta, or of a destination with format = "meta", and prints their items:
// npm install && APP_SECRET=… VERIFY_TOKEN=… node receiver.js
import { createHmac, timingSafeEqual } from "node:crypto";
import express from "express";

const { APP_SECRET, VERIFY_TOKEN, PORT = "3000" } = process.env;
const signatures = { "X-Hub-Signature": "sha1", "X-Hub-Signature-256": "sha256" };

/** Checks both signatures, over the bytes of the body before they are parsed. */
function verify(request, response, body) {
  for (const [header, algorithm] of Object.entries(signatures)) {
    const digest = createHmac(algorithm, APP_SECRET).update(body).digest("hex");
    const [given, expected] = [request.get(header) ?? "", `${algorithm}=${digest}`].map(Buffer.from);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
      throw new Error(`invalid ${header}`); // Express answers 403
    }
  }
}

const app = express();
app.get("/webhook", ({ query }, response) => {
  const isMeta = query["hub.mode"] === "subscribe" && query["hub.verify_token"] === VERIFY_TOKEN;
  if (isMeta) response.type("text/plain").send(query["hub.challenge"]);
  else response.sendStatus(403);
});
app.post("/webhook", express.json({ verify, limit: "5mb" }), (request, response) => {
  const items = request.body.entry.flatMap((it) => it.messaging ?? it.standby ?? it.changes ?? it);
  for (const item of items) console.log(JSON.stringify(item));
  response.sendStatus(200); // After the items are saved: Hookshelf, like Meta, sends again without a 200
});
const server = app.listen(Number(PORT), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}/webhook`);
});
