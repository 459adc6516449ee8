package io.github.greenroomdev;

import io.github.greenroomdev.v1.AssistantMessage;
import io.github.greenroomdev.v1.ContentBlock;
import io.github.greenroomdev.v1.Event;
import io.github.greenroomdev.v1.MessageDelta;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The text of the model in the main conversation, from the events of one turn in their order.
 *
 * <p>Pieces are replaced by the whole that repeats them, and forgotten when they are retracted: where the connection to
 * the model's API breaks, the beginning of an answer comes again. So show {@link #text} anew after each event that changed
 * it. Without {@code include_ephemeral} it grows by whole messages. Not safe for use by several threads.
 */
public final class Answer {
    private final List<String> finished = new ArrayList<>();
    private String messageId = "";
    private String pieces = "";

    /** Makes an answer of which nothing has come yet. */
    public Answer() {}

    /**
     * Returns all that the model has said so far.
     *
     * @return an empty line separates what it said at different times
     */
    public String text() {
        Stream<String> unfinished = pieces.isEmpty() ? Stream.empty() : Stream.of(pieces);
        return Stream.concat(finished.stream(), unfinished).collect(Collectors.joining("\n\n"));
    }

    /**
     * Takes note of an event.
     *
     * @param event the next event of the turn
     * @return whether it changed the text
     */
    public boolean take(Event event) {
        String before = text();
        switch (event.getPayloadCase()) {
            case MESSAGE_DELTA -> add(event.getMessageDelta());
            case MESSAGE_ASSISTANT -> finish(event.getMessageAssistant());
            case MESSAGE_RETRACTED -> {
                if (event.getMessageRetracted().getMessageId().equals(messageId)) {
                    pieces = "";
                }
            }
            case TURN_COMPLETED, TURN_FAILED, TURN_INTERRUPTED -> pieces = "";
            default -> {}
        }
        return !text().equals(before);
    }

    /** Appends a piece. One of another message replaces what there is: a retraction can be lost with its connection. */
    private void add(MessageDelta piece) {
        if (!piece.getParentToolUseId().isEmpty()) {
            return;
        }
        pieces = piece.getMessageId().equals(messageId) ? pieces + piece.getText() : piece.getText();
        messageId = piece.getMessageId();
    }

    private void finish(AssistantMessage message) {
        if (!message.getParentToolUseId().isEmpty()) {
            return;
        }
        String said =
                message.getContentList().stream().map(ContentBlock::getText).collect(Collectors.joining());
        if (!said.isEmpty() && !message.getSynthetic()) {
            finished.add(said);
        }
        pieces = "";
    }
}
