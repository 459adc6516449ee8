// Program scenario plays the scenario that every client plays: scenario ADDRESS WORKING_DIR SCENARIO [SECRETS]. It prints a
// transcript; where the scenario restarts the server, it says restart_server and waits for a line on its input. SECRETS is a
// directory for TLS: ca.crt, the client's tls.crt and tls.key, and a token.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/greenroom-dev/greenroom/clients/go"
	pb "github.com/greenroom-dev/greenroom/clients/go/greenroomv1"
)

type step struct {
	Do          string
	DisplayName string `json:"display_name"`
	Temperature float64
	MaxTurns    int32 `json:"max_turns"`
	Prompt      string
	States      []string
	Decide      string
	Hide        []string
}

type play struct {
	client     *greenroom.Client
	workingDir string
	sessionID  string
	watched    []*pb.Event
	watching   chan error
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 4 && len(os.Args) != 5 {
		log.Fatal("usage: scenario ADDRESS WORKING_DIR SCENARIO [SECRETS]")
	}
	var with []greenroom.Option
	if len(os.Args) == 5 {
		secured, err := withSecrets(os.Args[4])
		if err != nil {
			log.Fatal(err)
		}
		with = secured
	}
	if err := run(context.Background(), os.Args[1], os.Args[2], os.Args[3], with); err != nil {
		log.Fatal(err)
	}
}

func withSecrets(directory string) ([]greenroom.Option, error) {
	ca, err := os.ReadFile(filepath.Join(directory, "ca.crt"))
	if err != nil {
		return nil, err
	}
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(ca)
	own, err := tls.LoadX509KeyPair(filepath.Join(directory, "tls.crt"), filepath.Join(directory, "tls.key"))
	if err != nil {
		return nil, err
	}
	config := &tls.Config{RootCAs: authorities, Certificates: []tls.Certificate{own}, ServerName: "greenroom.test"}
	return []greenroom.Option{greenroom.WithTLS(config), greenroom.WithTokenFile(filepath.Join(directory, "token"))}, nil
}

func run(ctx context.Context, address, workingDir, scenario string, with []greenroom.Option) error {
	text, err := os.ReadFile(scenario)
	if err != nil {
		return err
	}
	var steps []step
	if err := json.Unmarshal(text, &steps); err != nil {
		return err
	}
	client, err := greenroom.New(address, with...)
	if err != nil {
		return err
	}
	defer client.Close()
	p := &play{client: client, workingDir: workingDir, watching: make(chan error, 1)}
	verbs := map[string]func(context.Context, step) error{
		"create": p.create, "wait": p.wait, "create_invalid": p.createInvalid, "watch": p.watch, "run_turn": p.runTurn,
		"interrupt": p.interrupt, "update_stale": p.updateStale, "restart_server": p.restartServer,
		"suspend": p.suspend, "resume": p.resume, "close": p.close, "end_watch": p.endWatch,
	}
	for _, step := range steps {
		if err := verbs[step.Do](ctx, step); err != nil {
			return fmt.Errorf("%s: %w", step.Do, err)
		}
	}
	return nil
}

func (p *play) create(ctx context.Context, s step) error {
	answer, err := p.client.Sessions.CreateSession(ctx, &pb.CreateSessionRequest{
		DisplayName: s.DisplayName,
		Config:      &pb.SessionConfig{WorkingDir: p.workingDir},
	})
	if err != nil {
		return err
	}
	p.sessionID = answer.GetSession().GetSessionId()
	say("create", stateName(answer.GetSession()), answer.GetSession().GetDisplayName())
	return nil
}

func (p *play) wait(ctx context.Context, s step) error {
	var states []pb.SessionState
	for _, name := range s.States {
		states = append(states, pb.SessionState(pb.SessionState_value["SESSION_STATE_"+name]))
	}
	if _, err := p.until(ctx, states...); err != nil {
		return err
	}
	say("wait")
	return nil
}

func (p *play) createInvalid(ctx context.Context, s step) error {
	config := &pb.SessionConfig{WorkingDir: p.workingDir, Temperature: &s.Temperature, MaxTurns: &s.MaxTurns}
	_, err := p.client.Sessions.CreateSession(ctx, &pb.CreateSessionRequest{Config: config})
	return refused("create_invalid", err)
}

func (p *play) watch(ctx context.Context, _ step) error {
	request := &pb.WatchEventsRequest{
		SessionIds:  []string{p.sessionID},
		Position:    &pb.WatchEventsRequest_Start{Start: pb.WatchStart_WATCH_START_BEGINNING},
		UntilClosed: true,
	}
	go func() {
		for event, err := range p.client.Watch(ctx, request) {
			if err != nil {
				p.watching <- err
				return
			}
			p.watched = append(p.watched, event)
		}
		p.watching <- nil
	}()
	return nil
}

func (p *play) runTurn(ctx context.Context, s step) error {
	running := p.client.RunTurn(ctx, &pb.RunTurnRequest{SessionId: p.sessionID, Prompt: s.Prompt})
	for event, err := range running.Events() {
		if err != nil {
			return err
		}
		say(" ", typeName(event))
		if asked := event.GetApprovalRequested(); asked != nil {
			if err := p.decide(ctx, asked.GetApproval(), s.Decide); err != nil {
				return err
			}
		}
	}
	say("run_turn", turnStateName(running.Turn()), running.Turn().GetResultText())
	return nil
}

func (p *play) decide(ctx context.Context, approval *pb.Approval, decision string) error {
	value := pb.ApprovalDecision(pb.ApprovalDecision_value["APPROVAL_DECISION_"+decision])
	request := &pb.DecideApprovalRequest{ApprovalId: approval.GetApprovalId(), Decision: value}
	answer, err := p.client.Turns.DecideApproval(ctx, request)
	if err != nil {
		return err
	}
	decided := answer.GetApproval()
	say("decide", decided.GetToolName(), strings.TrimPrefix(decided.GetState().String(), "APPROVAL_STATE_"))
	_, err = p.client.Turns.DecideApproval(ctx, request)
	return refused("decide", err)
}

func (p *play) interrupt(ctx context.Context, s step) error {
	started, err := p.client.Turns.StartTurn(ctx, &pb.StartTurnRequest{SessionId: p.sessionID, Prompt: s.Prompt})
	if err != nil {
		return err
	}
	if _, err := p.until(ctx, pb.SessionState_SESSION_STATE_ACTIVE); err != nil {
		return err
	}
	request := &pb.InterruptTurnRequest{SessionId: p.sessionID, TurnId: started.GetTurn().GetTurnId()}
	interrupted, err := p.client.Turns.InterruptTurn(ctx, request)
	if err != nil {
		return err
	}
	say("interrupt", turnStateName(interrupted.GetTurn()))
	return nil
}

func (p *play) updateStale(ctx context.Context, s step) error {
	before, err := p.client.Sessions.GetSession(ctx, &pb.GetSessionRequest{SessionId: p.sessionID})
	if err != nil {
		return err
	}
	request := &pb.UpdateSessionRequest{
		Session:    &pb.Session{SessionId: p.sessionID, DisplayName: s.DisplayName},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"display_name"}},
	}
	updated, err := p.client.Sessions.UpdateSession(ctx, request)
	if err != nil {
		return err
	}
	say("update", updated.GetSession().GetDisplayName())
	request.Session.Etag = before.GetSession().GetEtag()
	_, err = p.client.Sessions.UpdateSession(ctx, request)
	return refused("update_stale", err)
}

func (p *play) restartServer(ctx context.Context, _ step) error {
	if _, err := p.until(ctx, pb.SessionState_SESSION_STATE_IDLE); err != nil {
		return err
	}
	say("restart_server")
	_, err := bufio.NewReader(os.Stdin).ReadString('\n')
	return err
}

func (p *play) suspend(ctx context.Context, _ step) error {
	answer, err := p.client.Sessions.SuspendSession(ctx, &pb.SuspendSessionRequest{SessionId: p.sessionID})
	if err != nil {
		return err
	}
	say("suspend", stateName(answer.GetSession()))
	return nil
}

func (p *play) resume(ctx context.Context, _ step) error {
	request := &pb.ResumeSessionRequest{SessionId: p.sessionID}
	if _, err := p.client.Sessions.ResumeSession(ctx, request); err != nil {
		return err
	}
	if _, err := p.until(ctx, pb.SessionState_SESSION_STATE_READY, pb.SessionState_SESSION_STATE_IDLE); err != nil {
		return err
	}
	say("resume")
	return nil
}

func (p *play) close(ctx context.Context, _ step) error {
	request := &pb.CloseSessionRequest{SessionId: p.sessionID}
	if _, err := p.client.Sessions.CloseSession(ctx, request); err != nil {
		return err
	}
	closed, err := p.until(ctx, pb.SessionState_SESSION_STATE_CLOSED)
	if err != nil {
		return err
	}
	say("close", stateName(closed), fmt.Sprint(closed.GetUsage().GetTurns()))
	return nil
}

func (p *play) endWatch(_ context.Context, s step) error {
	if err := <-p.watching; err != nil {
		return err
	}
	whole := "gapless"
	for index, event := range p.watched {
		if name := typeName(event); !slices.Contains(s.Hide, name) {
			say("watch", name)
		}
		if event.GetSequence() != int64(index)+1 {
			whole = "with gaps"
		}
	}
	say("end_watch", whole)
	return nil
}

func (p *play) until(ctx context.Context, states ...pb.SessionState) (*pb.Session, error) {
	answer, err := p.client.Sessions.WaitSession(ctx, &pb.WaitSessionRequest{SessionId: p.sessionID, States: states})
	if err == nil && !answer.GetMatched() {
		err = fmt.Errorf("the session stayed %s", stateName(answer.GetSession()))
	}
	return answer.GetSession(), err
}

// refused says how a call was refused; a call that was not is an error.
func refused(verb string, err error) error {
	var failure *greenroom.Error
	if !errors.As(err, &failure) {
		return fmt.Errorf("not refused: %w", err)
	}
	var fields []string
	for _, violation := range failure.Violations {
		fields = append(fields, violation.Field)
	}
	sort.Strings(fields)
	say(append([]string{verb, codeName(failure.Code), failure.Reason}, fields...)...)
	return nil
}

func say(words ...string) { fmt.Println(strings.Join(words, " ")) }

func stateName(session *pb.Session) string {
	return strings.TrimPrefix(session.GetState().String(), "SESSION_STATE_")
}

func turnStateName(turn *pb.Turn) string {
	return strings.TrimPrefix(turn.GetState().String(), "TURN_STATE_")
}

func typeName(event *pb.Event) string {
	return strings.ToLower(strings.TrimPrefix(event.GetType().String(), "EVENT_TYPE_"))
}

// codeName returns a code as the specification writes it, INVALID_ARGUMENT, where Go says InvalidArgument.
func codeName(code codes.Code) string {
	var name strings.Builder
	for index, letter := range code.String() {
		if index > 0 && letter >= 'A' && letter <= 'Z' {
			name.WriteByte('_')
		}
		name.WriteRune(letter)
	}
	return strings.ToUpper(name.String())
}
