// The unmodified Go SDK, told what to do by JSON lines on stdin; events and answers are JSON lines on stdout,
// in the words of the JavaScript SDK.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/centrifugal/centrifuge-go"
)

type fields map[string]any

type command struct {
	ID       int             `json:"id"`
	Action   string          `json:"action"`
	URL      string          `json:"url"`
	Token    string          `json:"token"`
	Tokens   []string        `json:"tokens"`
	Protobuf bool            `json:"protobuf"`
	Channel  string          `json:"channel"`
	Method   string          `json:"method"`
	Data     json.RawMessage `json:"data"`
	Options  struct {
		Limit     int32    `json:"limit"`
		Tokens    []string `json:"tokens"`
		JoinLeave bool     `json:"joinLeave"`
	} `json:"options"`
}

var (
	client *centrifuge.Client
	out    sync.Mutex
	asked  int
)

func say(event string, told fields) {
	told["event"] = event
	line, err := json.Marshal(told)
	if err != nil {
		panic(err)
	}
	out.Lock()
	defer out.Unlock()
	fmt.Println(string(line))
}

func with(told fields, more fields) fields {
	for name, value := range more {
		told[name] = value
	}
	return told
}

// failure tells an error as the JavaScript SDK does: with the server's code, if it is the server's.
func failure(err error) fields {
	var replied *centrifuge.Error
	if errors.As(err, &replied) {
		return fields{"code": replied.Code, "message": replied.Message}
	}
	return fields{"code": 0, "message": err.Error()}
}

func payload(data []byte) any {
	if len(data) == 0 {
		return nil
	}
	return json.RawMessage(data)
}

// tokenSource hands tokens out one by one; when none is left the SDK is told that the user is unknown.
func tokenSource(tokens []string) func() (string, error) {
	return func() (string, error) {
		asked++
		say("token asked", fields{"times": asked})
		if len(tokens) == 0 {
			return "", centrifuge.ErrUnauthorized
		}
		token := tokens[0]
		tokens = tokens[1:]
		return token, nil
	}
}

func publication(channel string, found centrifuge.Publication) fields {
	return fields{"channel": channel, "data": payload(found.Data), "offset": found.Offset, "tags": found.Tags}
}

func info(found centrifuge.ClientInfo) fields {
	told := fields{"client": found.Client, "user": found.User}
	if len(found.ConnInfo) > 0 {
		told["connInfo"] = payload(found.ConnInfo)
	}
	if len(found.ChanInfo) > 0 {
		told["chanInfo"] = payload(found.ChanInfo)
	}
	return told
}

func position(found *centrifuge.StreamPosition) any {
	if found == nil {
		return nil
	}
	return fields{"offset": found.Offset, "epoch": found.Epoch}
}

func connect(asked command) error {
	config := centrifuge.Config{Token: asked.Token}
	if asked.Tokens != nil {
		source := tokenSource(asked.Tokens)
		config.GetToken = func(centrifuge.ConnectionTokenEvent) (string, error) { return source() }
	}
	make := centrifuge.NewJsonClient
	if asked.Protobuf {
		make = centrifuge.NewProtobufClient
	}
	client = make(asked.URL, config)
	server := fields{"server": true}
	client.OnConnecting(func(e centrifuge.ConnectingEvent) {
		say("connecting", fields{"code": e.Code, "reason": e.Reason})
	})
	client.OnConnected(func(e centrifuge.ConnectedEvent) { say("connected", fields{"client": e.ClientID}) })
	client.OnDisconnected(func(e centrifuge.DisconnectedEvent) {
		say("disconnected", fields{"code": e.Code, "reason": e.Reason})
	})
	client.OnError(func(e centrifuge.ErrorEvent) { say("error", failure(e.Error)) })
	client.OnSubscribed(func(e centrifuge.ServerSubscribedEvent) {
		say("subscribed", with(fields{"channel": e.Channel, "recovered": e.Recovered}, server))
	})
	client.OnUnsubscribed(func(e centrifuge.ServerUnsubscribedEvent) {
		say("unsubscribed", with(fields{"channel": e.Channel}, server))
	})
	client.OnPublication(func(e centrifuge.ServerPublicationEvent) {
		say("publication", with(publication(e.Channel, e.Publication), server))
	})
	return client.Connect()
}

func subscribe(asked command) error {
	channel := asked.Channel
	if known, ok := client.GetSubscription(channel); ok {
		return known.Subscribe()
	}
	config := centrifuge.SubscriptionConfig{JoinLeave: asked.Options.JoinLeave}
	if asked.Options.Tokens != nil {
		source := tokenSource(asked.Options.Tokens)
		config.GetToken = func(centrifuge.SubscriptionTokenEvent) (string, error) { return source() }
	}
	subscription, err := client.NewSubscription(channel, config)
	if err != nil {
		return err
	}
	subscription.OnSubscribing(func(e centrifuge.SubscribingEvent) {
		say("subscribing", fields{"channel": channel, "code": e.Code, "reason": e.Reason})
	})
	subscription.OnSubscribed(func(e centrifuge.SubscribedEvent) {
		say("subscribed", fields{
			"channel": channel, "recovered": e.Recovered, "wasRecovering": e.WasRecovering, "recoverable": e.Recoverable,
			"positioned": e.Positioned, "streamPosition": position(e.StreamPosition),
		})
	})
	subscription.OnUnsubscribed(func(e centrifuge.UnsubscribedEvent) {
		say("unsubscribed", fields{"channel": channel, "code": e.Code, "reason": e.Reason})
	})
	subscription.OnError(func(e centrifuge.SubscriptionErrorEvent) {
		say("error", with(failure(e.Error), fields{"channel": channel}))
	})
	subscription.OnPublication(func(e centrifuge.PublicationEvent) {
		say("publication", publication(channel, e.Publication))
	})
	subscription.OnJoin(func(e centrifuge.JoinEvent) {
		say("join", fields{"channel": channel, "info": info(e.ClientInfo)})
	})
	subscription.OnLeave(func(e centrifuge.LeaveEvent) {
		say("leave", fields{"channel": channel, "info": info(e.ClientInfo)})
	})
	return subscription.Subscribe()
}

func history(ctx context.Context, asked command) (any, error) {
	found, err := client.History(ctx, asked.Channel, centrifuge.WithHistoryLimit(asked.Options.Limit))
	publications := []fields{}
	for _, each := range found.Publications {
		publications = append(publications, publication(asked.Channel, each))
	}
	return fields{"publications": publications, "offset": found.Offset, "epoch": found.Epoch}, err
}

func presence(ctx context.Context, asked command) (any, error) {
	found, err := client.Presence(ctx, asked.Channel)
	clients := fields{}
	for id, each := range found.Clients {
		clients[id] = info(each)
	}
	return fields{"clients": clients}, err
}

func perform(asked command) (any, error) {
	ctx, done := context.WithTimeout(context.Background(), 20*time.Second)
	defer done()
	switch asked.Action {
	case "connect":
		return fields{}, connect(asked)
	case "subscribe":
		return fields{}, subscribe(asked)
	case "unsubscribe":
		subscription, _ := client.GetSubscription(asked.Channel)
		return fields{}, subscription.Unsubscribe()
	case "publish":
		_, err := client.Publish(ctx, asked.Channel, asked.Data)
		return fields{}, err
	case "history":
		return history(ctx, asked)
	case "presence":
		return presence(ctx, asked)
	case "presenceStats":
		found, err := client.PresenceStats(ctx, asked.Channel)
		return fields{"numClients": found.NumClients, "numUsers": found.NumUsers}, err
	case "rpc":
		found, err := client.RPC(ctx, asked.Method, asked.Data)
		return fields{"data": payload(found.Data)}, err
	case "disconnect":
		return fields{}, client.Disconnect()
	}
	return nil, errors.New("no such action: " + asked.Action)
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var asked command
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			panic(err)
		}
		result, err := perform(asked)
		if err != nil {
			say("answer", fields{"id": asked.ID, "error": failure(err)})
			continue
		}
		say("answer", fields{"id": asked.ID, "result": result})
	}
}
