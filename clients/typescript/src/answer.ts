import type { Event } from "./gen/greenroom/v1/event_pb.js";

/**
 * The text of the model in the main conversation, from the events of one turn in their order.
 *
 * Pieces are replaced by the whole that repeats them, and forgotten when they are retracted: where the connection to the
 * model's API breaks, the beginning of an answer comes again. So show `text` anew after each event that changed it. Without
 * `includeEphemeral` it grows by whole messages.
 */
export class Answer {
  readonly #finished: string[] = [];
  #messageId = "";
  #pieces = "";

  /** All that the model has said so far; an empty line separates what it said at different times. */
  get text(): string {
    return (this.#pieces ? [...this.#finished, this.#pieces] : this.#finished).join("\n\n");
  }

  /** Takes note of an event and returns whether it changed the text. */
  take({ payload }: Event): boolean {
    const before = this.text;
    switch (payload.case) {
      case "messageDelta":
        if (!payload.value.parentToolUseId) {
          // A piece of another message replaces what there is: a retraction can be lost with its connection.
          const same = payload.value.messageId === this.#messageId;
          this.#pieces = (same ? this.#pieces : "") + payload.value.text;
          this.#messageId = payload.value.messageId;
        }
        break;
      case "messageAssistant":
        if (!payload.value.parentToolUseId) {
          const said = payload.value.content.map(({ block }) => (block.case === "text" ? block.value : "")).join("");
          if (said && !payload.value.synthetic) {
            this.#finished.push(said);
          }
          this.#pieces = "";
        }
        break;
      case "messageRetracted":
        if (payload.value.messageId === this.#messageId) {
          this.#pieces = "";
        }
        break;
      case "turnCompleted":
      case "turnFailed":
      case "turnInterrupted":
        this.#pieces = "";
        break;
    }
    return this.text !== before;
  }
}
