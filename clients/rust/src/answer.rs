//! What the model says in a turn, as far as it has come.

use crate::v1::content_block::Block;
use crate::v1::event::Payload;
use crate::v1::{AssistantMessage, Event};

/// The text of the model in the main conversation, from the events of one turn in their order.
///
/// Pieces are replaced by the whole that repeats them, and forgotten when they are retracted: where the connection to the
/// model's API breaks, the beginning of an answer comes again. So show [`text`](Self::text) anew after each event that
/// changed it. Without `include_ephemeral` it grows by whole messages.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    finished: Vec<String>,
    message_id: String,
    pieces: String,
}

impl Answer {
    /// Returns all that the model has said so far; an empty line separates what it said at different times.
    pub fn text(&self) -> String {
        let pieces = Some(&self.pieces).filter(|pieces| !pieces.is_empty());
        self.finished.iter().chain(pieces).map(String::as_str).collect::<Vec<_>>().join("\n\n")
    }

    /// Takes note of an event and returns whether it changed the text.
    pub fn take(&mut self, event: &Event) -> bool {
        let before = self.text();
        match &event.payload {
            Some(Payload::MessageDelta(piece)) if piece.parent_tool_use_id.is_empty() => {
                self.add(&piece.message_id, &piece.text);
            }
            Some(Payload::MessageAssistant(message)) if message.parent_tool_use_id.is_empty() => self.finish(message),
            Some(Payload::MessageRetracted(retracted)) if retracted.message_id == self.message_id => {
                self.pieces.clear();
            }
            Some(Payload::TurnCompleted(_) | Payload::TurnFailed(_) | Payload::TurnInterrupted(_)) => {
                self.pieces.clear();
            }
            _ => {}
        }
        self.text() != before
    }

    /// Appends a piece. One of another message replaces what there is: a retraction can be lost with its connection.
    fn add(&mut self, message_id: &str, piece: &str) {
        if message_id != self.message_id {
            self.message_id = message_id.to_owned();
            self.pieces.clear();
        }
        self.pieces.push_str(piece);
    }

    fn finish(&mut self, message: &AssistantMessage) {
        let said: String = message
            .content
            .iter()
            .filter_map(|block| match &block.block {
                Some(Block::Text(text)) => Some(text.as_str()),
                _ => None,
            })
            .collect();
        if !said.is_empty() && !message.synthetic {
            self.finished.push(said);
        }
        self.pieces.clear();
    }
}
