// Program quickstart gives a prompt to a new session and prints what happens: quickstart ADDRESS WORKING_DIR PROMPT.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/greenroom-dev/greenroom/clients/go"
	pb "github.com/greenroom-dev/greenroom/clients/go/greenroomv1"
)

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: quickstart ADDRESS WORKING_DIR PROMPT")
	}
	if err := run(context.Background(), os.Args[1], os.Args[2], os.Args[3]); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, address, workingDir, prompt string) error {
	client, err := greenroom.New(address)
	if err != nil {
		return err
	}
	defer client.Close()
	created, err := client.Sessions.CreateSession(ctx, &pb.CreateSessionRequest{
		Config: &pb.SessionConfig{WorkingDir: workingDir},
	})
	if err != nil {
		return err
	}
	sessionID := created.GetSession().GetSessionId()
	running := client.RunTurn(ctx, &pb.RunTurnRequest{SessionId: sessionID, Prompt: prompt})
	for event, err := range running.Events() {
		if err != nil {
			return err
		}
		fmt.Println(event.GetSequence(), event.GetType())
	}
	fmt.Println(running.Turn().GetResultText())
	_, err = client.Sessions.CloseSession(ctx, &pb.CloseSessionRequest{SessionId: sessionID})
	return err
}
