package io.github.greenroomdev;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.greenroomdev.v1.AssistantMessage;
import io.github.greenroomdev.v1.ContentBlock;
import io.github.greenroomdev.v1.Event;
import io.github.greenroomdev.v1.MessageDelta;
import io.github.greenroomdev.v1.MessageRetracted;
import io.github.greenroomdev.v1.TurnInterrupted;
import org.junit.jupiter.api.Test;

class AnswerTest {
    private final Answer answer = new Answer();

    private static Event piece(String id, String text) {
        var delta = MessageDelta.newBuilder().setMessageId(id).setText(text);
        return Event.newBuilder().setMessageDelta(delta).build();
    }

    private static Event whole(String id, String text) {
        var content = ContentBlock.newBuilder().setText(text);
        var message = AssistantMessage.newBuilder().setMessageId(id).addContent(content);
        return Event.newBuilder().setMessageAssistant(message).build();
    }

    private static Event retraction(String id) {
        var retracted = MessageRetracted.newBuilder().setMessageId(id);
        return Event.newBuilder().setMessageRetracted(retracted).build();
    }

    private void assertText(String text, boolean changed, Event event) {
        assertEquals(changed, answer.take(event));
        assertEquals(text, answer.text());
    }

    @Test
    void takesBackWhatIsRetracted() {
        assertText("one ", true, piece("m1", "one "));
        assertText("one two", true, piece("m1", "two"));
        assertText("one two", false, retraction("m0"));
        assertText("", true, retraction("m1"));
        assertText("one ", true, piece("m2", "one "));
        assertText("one two three", true, whole("m2", "one two three"));
        assertText("one two three\n\nand", true, piece("m3", "and"));
        assertText("one two three\n\nbut", true, piece("m4", "but"));
        var interrupted = TurnInterrupted.getDefaultInstance();
        assertText(
                "one two three",
                true,
                Event.newBuilder().setTurnInterrupted(interrupted).build());
    }
}
