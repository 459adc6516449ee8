package io.github.greenroomdev;

import com.google.gson.FieldNamingPolicy;
import com.google.gson.GsonBuilder;
import com.google.protobuf.FieldMask;
import io.github.greenroomdev.v1.Approval;
import io.github.greenroomdev.v1.ApprovalDecision;
import io.github.greenroomdev.v1.CloseSessionRequest;
import io.github.greenroomdev.v1.CreateSessionRequest;
import io.github.greenroomdev.v1.DecideApprovalRequest;
import io.github.greenroomdev.v1.Event;
import io.github.greenroomdev.v1.GetSessionRequest;
import io.github.greenroomdev.v1.InterruptTurnRequest;
import io.github.greenroomdev.v1.ResumeSessionRequest;
import io.github.greenroomdev.v1.RunTurnRequest;
import io.github.greenroomdev.v1.Session;
import io.github.greenroomdev.v1.SessionConfig;
import io.github.greenroomdev.v1.SessionState;
import io.github.greenroomdev.v1.StartTurnRequest;
import io.github.greenroomdev.v1.SuspendSessionRequest;
import io.github.greenroomdev.v1.Turn;
import io.github.greenroomdev.v1.UpdateSessionRequest;
import io.github.greenroomdev.v1.WaitSessionRequest;
import io.github.greenroomdev.v1.WatchEventsRequest;
import io.github.greenroomdev.v1.WatchStart;
import io.grpc.Grpc;
import io.grpc.TlsChannelCredentials;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Plays the scenario that every client plays: Scenario ADDRESS WORKING_DIR SCENARIO. It prints a transcript; where the
 * scenario restarts the server, it says restart_server and waits for a line on its input.
 */
final class Scenario {
    private record Step(
            String verb,
            String displayName,
            double temperature,
            int maxTurns,
            String prompt,
            List<String> states,
            String decide,
            List<String> hide) {}

    private final GreenroomClient client;
    private final String workingDir;
    private String sessionId;
    private CompletableFuture<List<Event>> watched;

    private Scenario(GreenroomClient client, String workingDir) {
        this.client = client;
        this.workingDir = workingDir;
    }

    public static void main(String[] args) throws IOException {
        if (args.length != 3 && args.length != 4) {
            throw new IllegalArgumentException("usage: Scenario ADDRESS WORKING_DIR SCENARIO [SECRETS]");
        }
        // A step names what it does in "do", which is no name in Java.
        var json = new GsonBuilder()
                .setFieldNamingStrategy(field -> field.getName().equals("verb")
                        ? "do"
                        : FieldNamingPolicy.LOWER_CASE_WITH_UNDERSCORES.translateName(field))
                .create();
        Step[] steps = json.fromJson(Files.readString(Path.of(args[2])), Step[].class);
        GreenroomClient.Builder builder =
                args.length == 3 ? GreenroomClient.builder(args[0]) : secured(args[0], Path.of(args[3]));
        try (GreenroomClient client = builder.build()) {
            Scenario play = new Scenario(client, args[1]);
            for (Step step : steps) {
                play.take(step);
            }
        }
    }

    /** Begins a client with a directory for TLS: ca.crt, the client's tls.crt and tls.key, and a token. */
    private static GreenroomClient.Builder secured(String address, Path secrets) throws IOException {
        var credentials = TlsChannelCredentials.newBuilder()
                .trustManager(secrets.resolve("ca.crt").toFile())
                .keyManager(
                        secrets.resolve("tls.crt").toFile(),
                        secrets.resolve("tls.key").toFile())
                .build();
        var channel = Grpc.newChannelBuilder(address, credentials).overrideAuthority("greenroom.test");
        return GreenroomClient.builder(channel).tokenFile(secrets.resolve("token"));
    }

    private void take(Step step) throws IOException {
        switch (step.verb) {
            case "create" -> create(step);
            case "wait" -> {
                until(step.states.stream()
                        .map(state -> SessionState.valueOf("SESSION_STATE_" + state))
                        .toArray(SessionState[]::new));
                say("wait");
            }
            case "create_invalid" -> createInvalid(step);
            case "watch" -> watched = CompletableFuture.supplyAsync(this::readEvents);
            case "run_turn" -> runTurn(step);
            case "interrupt" -> interrupt(step);
            case "update_stale" -> updateStale(step);
            case "restart_server" -> restartServer();
            case "suspend" -> suspend();
            case "resume" -> resume();
            case "close" -> close();
            case "end_watch" -> endWatch(step);
            default -> throw new IllegalArgumentException(step.verb);
        }
    }

    private void create(Step step) {
        var request = CreateSessionRequest.newBuilder()
                .setDisplayName(step.displayName)
                .setConfig(SessionConfig.newBuilder().setWorkingDir(workingDir))
                .build();
        Session session = client.sessions(stub -> stub.createSession(request)).getSession();
        sessionId = session.getSessionId();
        say("create", name(session), session.getDisplayName());
    }

    private void createInvalid(Step step) {
        var config = SessionConfig.newBuilder()
                .setWorkingDir(workingDir)
                .setTemperature(step.temperature)
                .setMaxTurns(step.maxTurns);
        var request = CreateSessionRequest.newBuilder().setConfig(config).build();
        refused("create_invalid", () -> client.sessions(stub -> stub.createSession(request)));
    }

    private List<Event> readEvents() {
        var request = WatchEventsRequest.newBuilder()
                .addSessionIds(sessionId)
                .setStart(WatchStart.WATCH_START_BEGINNING)
                .setUntilClosed(true)
                .build();
        try (Stream<Event> events = client.watch(request).stream()) {
            return events.toList();
        }
    }

    private void runTurn(Step step) {
        var request = RunTurnRequest.newBuilder()
                .setSessionId(sessionId)
                .setPrompt(step.prompt)
                .build();
        try (RunningTurn running = client.runTurn(request)) {
            for (Event event : running) {
                say(" ", name(event));
                if (event.hasApprovalRequested()) {
                    decide(event.getApprovalRequested().getApproval(), step.decide);
                }
            }
            Turn turn = running.turn().orElseThrow();
            say("run_turn", name(turn), turn.getResultText());
        }
    }

    private void decide(Approval approval, String decision) {
        var request = DecideApprovalRequest.newBuilder()
                .setApprovalId(approval.getApprovalId())
                .setDecision(ApprovalDecision.valueOf("APPROVAL_DECISION_" + decision))
                .build();
        Approval decided = client.turns(stub -> stub.decideApproval(request)).getApproval();
        say("decide", decided.getToolName(), without("APPROVAL_STATE_", decided.getState()));
        refused("decide", () -> client.turns(stub -> stub.decideApproval(request)));
    }

    private void interrupt(Step step) {
        var start = StartTurnRequest.newBuilder()
                .setSessionId(sessionId)
                .setPrompt(step.prompt)
                .build();
        Turn turn = client.turns(stub -> stub.startTurn(start)).getTurn();
        until(SessionState.SESSION_STATE_ACTIVE);
        var request = InterruptTurnRequest.newBuilder()
                .setSessionId(sessionId)
                .setTurnId(turn.getTurnId())
                .build();
        say("interrupt", name(client.turns(stub -> stub.interruptTurn(request)).getTurn()));
    }

    private void updateStale(Step step) {
        var get = GetSessionRequest.newBuilder().setSessionId(sessionId).build();
        Session before = client.sessions(stub -> stub.getSession(get)).getSession();
        Session change = Session.newBuilder()
                .setSessionId(sessionId)
                .setDisplayName(step.displayName)
                .build();
        var update = UpdateSessionRequest.newBuilder()
                .setSession(change)
                .setUpdateMask(FieldMask.newBuilder().addPaths("display_name"))
                .build();
        Session updated = client.sessions(stub -> stub.updateSession(update)).getSession();
        say("update", updated.getDisplayName());
        var stale = update.toBuilder()
                .setSession(change.toBuilder().setEtag(before.getEtag()))
                .build();
        refused("update_stale", () -> client.sessions(stub -> stub.updateSession(stale)));
    }

    private void restartServer() throws IOException {
        until(SessionState.SESSION_STATE_IDLE);
        say("restart_server");
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)).readLine();
    }

    private void suspend() {
        var request = SuspendSessionRequest.newBuilder().setSessionId(sessionId).build();
        say(
                "suspend",
                name(client.sessions(stub -> stub.suspendSession(request)).getSession()));
    }

    private void resume() {
        var request = ResumeSessionRequest.newBuilder().setSessionId(sessionId).build();
        client.sessions(stub -> stub.resumeSession(request));
        until(SessionState.SESSION_STATE_READY, SessionState.SESSION_STATE_IDLE);
        say("resume");
    }

    private void close() {
        var request = CloseSessionRequest.newBuilder().setSessionId(sessionId).build();
        client.sessions(stub -> stub.closeSession(request));
        Session closed = until(SessionState.SESSION_STATE_CLOSED);
        say("close", name(closed), String.valueOf(closed.getUsage().getTurns()));
    }

    private void endWatch(Step step) {
        List<Event> events = watched.join();
        events.stream()
                .map(Scenario::name)
                .filter(name -> !step.hide.contains(name))
                .forEach(name -> say("watch", name));
        boolean whole = IntStream.range(0, events.size())
                .allMatch(index -> events.get(index).getSequence() == index + 1);
        say("end_watch", whole ? "gapless" : "with gaps");
    }

    private Session until(SessionState... states) {
        var request = WaitSessionRequest.newBuilder()
                .setSessionId(sessionId)
                .addAllStates(List.of(states))
                .build();
        var answer = client.sessions(stub -> stub.waitSession(request));
        if (!answer.getMatched()) {
            throw new IllegalStateException("the session stayed " + name(answer.getSession()));
        }
        return answer.getSession();
    }

    private static void refused(String verb, Runnable call) {
        try {
            call.run();
        } catch (GreenroomException refusal) {
            Stream<String> fields =
                    refusal.getViolations().stream().map(FieldViolation::field).sorted();
            Stream<String> words = Stream.of(verb, refusal.getCode().name(), refusal.getReason());
            say(Stream.concat(words, fields).toArray(String[]::new));
            return;
        }
        throw new IllegalStateException(verb + " was not refused");
    }

    private static void say(String... words) {
        System.out.println(String.join(" ", words));
    }

    private static String name(Session session) {
        return without("SESSION_STATE_", session.getState());
    }

    private static String name(Turn turn) {
        return without("TURN_STATE_", turn.getState());
    }

    private static String name(Event event) {
        return without("EVENT_TYPE_", event.getType()).toLowerCase(Locale.ROOT);
    }

    private static String without(String prefix, Enum<?> value) {
        return value.name().substring(prefix.length());
    }
}
