//! What an answer makes of the pieces of a turn.

use greenroom::Answer;
use greenroom::v1::content_block::Block;
use greenroom::v1::event::Payload;
use greenroom::v1::{AssistantMessage, ContentBlock, Event, MessageDelta, MessageRetracted, TurnInterrupted};

fn piece(id: &str, text: &str) -> Payload {
    Payload::MessageDelta(MessageDelta { message_id: id.into(), text: text.into(), ..Default::default() })
}

fn whole(id: &str, text: &str) -> Payload {
    let content = vec![ContentBlock { block: Some(Block::Text(text.into())) }];
    Payload::MessageAssistant(AssistantMessage { message_id: id.into(), content, ..Default::default() })
}

fn retraction(id: &str) -> Payload {
    Payload::MessageRetracted(MessageRetracted { message_id: id.into(), ..Default::default() })
}

#[test]
fn an_answer_takes_back_what_is_retracted() {
    let mut answer = Answer::default();
    for (payload, text, changed) in [
        (piece("m1", "one "), "one ", true),
        (piece("m1", "two"), "one two", true),
        (retraction("m0"), "one two", false),
        (retraction("m1"), "", true),
        (piece("m2", "one "), "one ", true),
        (whole("m2", "one two three"), "one two three", true),
        (piece("m3", "and"), "one two three\n\nand", true),
        (piece("m4", "but"), "one two three\n\nbut", true),
        (Payload::TurnInterrupted(TurnInterrupted::default()), "one two three", true),
    ] {
        let event = Event { payload: Some(payload), ..Default::default() };
        assert_eq!((answer.take(&event), answer.text().as_str()), (changed, text), "{event:?}");
    }
}
