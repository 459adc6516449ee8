package greenroom_test

import (
	"testing"

	"github.com/greenroom-dev/greenroom/clients/go"
	pb "github.com/greenroom-dev/greenroom/clients/go/greenroomv1"
)

func piece(id, text string) *pb.Event {
	return &pb.Event{Payload: &pb.Event_MessageDelta{MessageDelta: &pb.MessageDelta{MessageId: id, Text: text}}}
}

func whole(id, text string) *pb.Event {
	content := []*pb.ContentBlock{{Block: &pb.ContentBlock_Text{Text: text}}}
	message := &pb.AssistantMessage{MessageId: id, Content: content}
	return &pb.Event{Payload: &pb.Event_MessageAssistant{MessageAssistant: message}}
}

func retraction(id string) *pb.Event {
	return &pb.Event{Payload: &pb.Event_MessageRetracted{MessageRetracted: &pb.MessageRetracted{MessageId: id}}}
}

func TestAnAnswerTakesBackWhatIsRetracted(t *testing.T) {
	interrupted := &pb.Event{Payload: &pb.Event_TurnInterrupted{TurnInterrupted: &pb.TurnInterrupted{}}}
	var answer greenroom.Answer
	for _, step := range []struct {
		event   *pb.Event
		text    string
		changed bool
	}{
		{piece("m1", "one "), "one ", true},
		{piece("m1", "two"), "one two", true},
		{retraction("m0"), "one two", false},
		{retraction("m1"), "", true},
		{piece("m2", "one "), "one ", true},
		{whole("m2", "one two three"), "one two three", true},
		{piece("m3", "and"), "one two three\n\nand", true},
		{piece("m4", "but"), "one two three\n\nbut", true},
		{interrupted, "one two three", true},
	} {
		if changed := answer.Take(step.event); changed != step.changed || answer.Text() != step.text {
			t.Fatalf("%v: %q, changed: %v", step.event, answer.Text(), changed)
		}
	}
}
