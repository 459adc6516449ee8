import io.github.greenroomdev.GreenroomClient;
import io.github.greenroomdev.RunningTurn;
import io.github.greenroomdev.v1.CloseSessionRequest;
import io.github.greenroomdev.v1.CreateSessionRequest;
import io.github.greenroomdev.v1.Event;
import io.github.greenroomdev.v1.RunTurnRequest;
import io.github.greenroomdev.v1.SessionConfig;
import io.github.greenroomdev.v1.Turn;

/** Gives a prompt to a new session and prints what happens: Quickstart ADDRESS WORKING_DIR PROMPT. */
final class Quickstart {
    private Quickstart() {}

    public static void main(String[] args) {
        if (args.length != 3) {
            throw new IllegalArgumentException("usage: Quickstart ADDRESS WORKING_DIR PROMPT");
        }
        try (GreenroomClient client = GreenroomClient.builder(args[0]).build()) {
            SessionConfig config =
                    SessionConfig.newBuilder().setWorkingDir(args[1]).build();
            CreateSessionRequest creation =
                    CreateSessionRequest.newBuilder().setConfig(config).build();
            String sessionId = client.sessions(stub -> stub.createSession(creation))
                    .getSession()
                    .getSessionId();

            RunTurnRequest prompt = RunTurnRequest.newBuilder()
                    .setSessionId(sessionId)
                    .setPrompt(args[2])
                    .build();
            try (RunningTurn running = client.runTurn(prompt)) {
                for (Event event : running) {
                    System.out.println(event.getSequence() + " " + event.getType());
                }
                System.out.println(running.turn().map(Turn::getResultText).orElseThrow());
            }

            CloseSessionRequest closing =
                    CloseSessionRequest.newBuilder().setSessionId(sessionId).build();
            client.sessions(stub -> stub.closeSession(closing));
        }
    }
}
