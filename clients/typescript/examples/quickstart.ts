// Gives a prompt to a new session and prints what happens: node quickstart.js ADDRESS WORKING_DIR PROMPT
import { Client, EventType } from "../src/index.js";

const [address, workingDir, prompt] = process.argv.slice(2);
if (!address || !workingDir || !prompt) {
  throw new Error("usage: quickstart ADDRESS WORKING_DIR PROMPT");
}
const client = new Client(address);
try {
  const { session } = await client.sessions.createSession({ config: { workingDir } });
  const sessionId = session?.sessionId ?? "";
  const running = client.runTurn({ sessionId, prompt });
  for await (const event of running) {
    console.log(event.sequence, EventType[event.type]);
  }
  console.log(running.turn?.resultText);
  await client.sessions.closeSession({ sessionId });
} finally {
  client.close();
}
