// Sends what it reads from its input with one of the Node SDKs, unmodified, and prints what went wrong, if anything did.
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

const task = JSON.parse(await text(process.stdin));
const require = createRequire(task.packages + "/");
const problems = [];
const when = (call) => (call.timestamp ? { ...call, timestamp: new Date(call.timestamp) } : call);

if (task.sdk === "segment") {
  const { Analytics } = require("@segment/analytics-node");
  const client = new Analytics({ writeKey: task.writeKey, host: task.host, flushAt: task.flushAt ?? 15, flushInterval: 200 });
  client.on("error", (problem) => problems.push(String(problem.reason ?? problem.code)));
  for (const [method, call] of task.calls) client[method](when(call));
  await client.closeAndFlush({ timeout: 25_000 });
} else {
  const Analytics = require("@rudderstack/rudder-sdk-node");
  const client = new Analytics(task.writeKey, {
    dataPlaneUrl: task.host,
    flushAt: 20,
    flushInterval: 200,
    errorHandler: (problem) => problems.push(String(problem)),
  });
  await Promise.all(
    task.calls.map(
      ([method, call]) => new Promise((done) => client[method](when(call), (problem) => (problem && problems.push(String(problem)), done()))),
    ),
  );
  await client.flush().catch((problem) => problems.push(String(problem)));
}
console.log(JSON.stringify({ problems }));
process.exit(0);
