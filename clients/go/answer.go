package greenroom

import (
	"strings"

	pb "github.com/greenroom-dev/greenroom/clients/go/greenroomv1"
)

// Answer is the text of the model in the main conversation, from the events of one turn in their order.
//
// Pieces are replaced by the whole that repeats them, and forgotten when they are retracted: where the connection to the
// model's API breaks, the beginning of an answer comes again. So show Text anew after each event that changed it. Without
// IncludeEphemeral it grows by whole messages. The zero value is ready for use.
type Answer struct {
	finished  []string
	messageID string
	pieces    string
}

// Text returns all that the model has said so far; an empty line separates what it said at different times.
func (a *Answer) Text() string {
	if a.pieces == "" {
		return strings.Join(a.finished, "\n\n")
	}
	return strings.Join(append(a.finished[:len(a.finished):len(a.finished)], a.pieces), "\n\n")
}

// Take takes note of an event and tells whether it changed the text.
func (a *Answer) Take(event *pb.Event) bool {
	before := a.Text()
	switch payload := event.GetPayload().(type) {
	case *pb.Event_MessageDelta:
		if piece := payload.MessageDelta; piece.GetParentToolUseId() == "" {
			a.add(piece.GetMessageId(), piece.GetText())
		}
	case *pb.Event_MessageAssistant:
		if payload.MessageAssistant.GetParentToolUseId() == "" {
			a.finish(payload.MessageAssistant)
		}
	case *pb.Event_MessageRetracted:
		if payload.MessageRetracted.GetMessageId() == a.messageID {
			a.pieces = ""
		}
	case *pb.Event_TurnCompleted, *pb.Event_TurnFailed, *pb.Event_TurnInterrupted:
		a.pieces = ""
	}
	return a.Text() != before
}

// add appends a piece. One of another message replaces what there is: a retraction can be lost with its connection.
func (a *Answer) add(messageID, piece string) {
	if messageID != a.messageID {
		a.messageID, a.pieces = messageID, ""
	}
	a.pieces += piece
}

func (a *Answer) finish(message *pb.AssistantMessage) {
	var said strings.Builder
	for _, block := range message.GetContent() {
		said.WriteString(block.GetText())
	}
	if said.Len() > 0 && !message.GetSynthetic() {
		a.finished = append(a.finished, said.String())
	}
	a.pieces = ""
}
