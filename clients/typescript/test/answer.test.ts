// What an answer makes of the pieces of a turn.
import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Answer, EventSchema } from "../src/index.js";

type Payload = NonNullable<MessageInitShape<typeof EventSchema>["payload"]>;

const piece = (messageId: string, text: string): Payload => ({ case: "messageDelta", value: { messageId, text } });
const retraction = (messageId: string): Payload => ({ case: "messageRetracted", value: { messageId } });
const whole = (messageId: string, text: string): Payload => ({
  case: "messageAssistant",
  value: { messageId, content: [{ block: { case: "text", value: text } }] },
});

void test("an answer takes back what is retracted", () => {
  const answer = new Answer();
  const steps: [Payload, string, boolean][] = [
    [piece("m1", "one "), "one ", true],
    [piece("m1", "two"), "one two", true],
    [retraction("m0"), "one two", false],
    [retraction("m1"), "", true],
    [piece("m2", "one "), "one ", true],
    [whole("m2", "one two three"), "one two three", true],
    [piece("m3", "and"), "one two three\n\nand", true],
    [piece("m4", "but"), "one two three\n\nbut", true],
    [{ case: "turnInterrupted", value: {} }, "one two three", true],
  ];
  for (const [payload, text, changed] of steps) {
    assert.deepEqual([answer.take(create(EventSchema, { payload })), answer.text], [changed, text]);
  }
});
