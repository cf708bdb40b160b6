package main

import (
	"context"
	"fmt"
	"net/http"

	"aeobot/bot/wecom/aibot"
	"aeobot/bot/wecom/api"
	"aeobot/bot/wecom/app"
	"aeobot/bot/wecom/envelope"
	"aeobot/bot/wecom/kf"
	"aeobot/bot/wecom/robot"
)

// channels are the ways to the platform, each opened when it is configured. To add one:
// write its folder, its section in configs, and a row.
var channels = []struct {
	name string
	open func(s *server) error
}{
	{"wecom.aibot", (*server).openAIBot},
	{"wecom.aibot", (*server).openConnection},
	{"wecom.kf", (*server).openKF},
	{"wecom.app", (*server).openApp}, // after customer service, to which it passes events on
	{"wecom.robot", (*server).openRobot},
}

func (s *server) openChannels(mux *http.ServeMux) error {
	s.clients, s.callbacks = map[string]*api.Client{}, map[string]callback{}
	for _, c := range channels {
		if err := c.open(s); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	for name, c := range s.callbacks {
		mux.Handle("/wecom/"+name, c)
	}
	return nil
}

// count counts the outcomes of a channel.
func (s *server) count(channel string) func(outcome string) {
	count := s.metrics.callback(channel)
	return func(outcome string) {
		count(outcome)
		s.heard.count(channel, outcome)
	}
}

func (s *server) openAIBot() error {
	c := s.settings.WeCom
	if c.AIBot.Token.Reveal() == "" {
		return nil
	}
	// An AI bot's receiveid is empty.
	codec, err := envelope.New(c.AIBot.Token.Reveal(), c.AIBot.EncodingAESKey.Reveal(), "")
	if err != nil {
		return err
	}
	late, err := api.NewLate(c.APIBaseURL)
	if err != nil {
		return err
	}
	s.aibot = aibot.NewCallback(listening{s.engine, s.heard}, codec, aibot.Options{Name: c.AIBot.Name, Cards: c.AIBot.Cards, MaxSkew: c.MaxClockSkew,
		Log: s.log, Count: s.count("aibot"), Refused: s.metrics.refused("aibot"), Journal: s.store, Late: late, Names: s.store})
	s.callbacks["aibot"] = s.aibot
	return nil
}

func (s *server) openConnection() error {
	c := s.settings.WeCom
	if c.AIBot.BotID == "" {
		return nil
	}
	late, err := api.NewLate(c.APIBaseURL)
	if err != nil {
		return err
	}
	s.long = aibot.NewConnection(listening{s.engine, s.heard}, s.store, aibot.ConnectionOptions{
		URL: c.AIBot.WSURL, BotID: c.AIBot.BotID, Secret: c.AIBot.Secret.Reveal(), Name: c.AIBot.Name, Cards: c.AIBot.Cards,
		Log: s.log, Count: s.count("aibot_connection"), Refused: s.metrics.refused("aibot_connection"), Pushed: s.desk.Pushed, Journal: s.store, Late: late, Names: s.store,
		Times: aibot.Times{Lease: c.AIBot.Lease, Drain: s.settings.ShutdownTimeout},
	})
	return nil
}

// Names of the ways to call the platform: the application's and customer service's.
const (
	applicationClient = "application"
	serviceClient     = "customer service"
)

// client makes the channel's way to call the platform, whose trouble /readyz names.
func (s *server) client(name string, o api.Options) (*api.Client, error) {
	o.BaseURL, o.Tokens, o.Log = s.settings.WeCom.APIBaseURL, s.store, s.log
	c, err := api.New(o)
	if err == nil {
		s.clients[name] = c
	}
	return c, err
}

func (s *server) openApp() error {
	c := s.settings.WeCom
	if c.App.Token.Reveal() == "" {
		return nil
	}
	codec, err := envelope.New(c.App.Token.Reveal(), c.App.EncodingAESKey.Reveal(), c.App.CorpID)
	if err != nil {
		return err
	}
	var sender *app.Sender
	if secret := c.App.Secret.Reveal(); secret != "" {
		client, err := s.client(applicationClient, api.Options{CorpID: c.App.CorpID, AgentID: c.App.AgentID, Secret: secret})
		if err != nil {
			return err
		}
		if sender, err = app.NewSender(client, c.App.AgentID); err != nil {
			return err
		}
	}
	var customerService func(context.Context, []byte) error
	if s.kf != nil {
		customerService = s.kf.Take
	}
	s.app = app.NewCallback(listening{s.engine, s.heard}, codec, sender, app.Options{CustomerService: customerService,
		CorpID: c.App.CorpID, AgentID: c.App.AgentID, Markdown: c.App.Markdown, Cards: c.App.Cards, MaxSkew: c.MaxClockSkew,
		Log: s.log, Count: s.count("app"), Pushed: s.desk.Pushed, Journal: s.store, Greeted: s.store,
	})
	s.callbacks["app"] = s.app
	return nil
}

func (s *server) openKF() error {
	c := s.settings.WeCom
	if c.KF.Secret.Reveal() == "" {
		return nil
	}
	var codec *envelope.Codec
	if token := c.KF.Token.Reveal(); token != "" {
		var err error
		if codec, err = envelope.New(token, c.KF.EncodingAESKey.Reveal(), c.KF.CorpID); err != nil {
			return err
		}
	}
	client, err := s.client(serviceClient, api.Options{CorpID: c.KF.CorpID, Secret: c.KF.Secret.Reveal()})
	if err != nil {
		return err
	}
	s.kf = kf.NewCallback(listening{s.engine, s.heard}, codec, client, s.store, kf.Options{CorpID: c.KF.CorpID, MaxSkew: c.MaxClockSkew,
		Log: s.log, Count: s.count("kf"), Pushed: s.desk.Pushed, Transfer: s.settings.Handover.KF,
		Refused: s.metrics.customerRefused, SendFailed: s.metrics.customerUnreached})
	if codec != nil {
		s.callbacks["kf"] = s.kf
	}
	return nil
}

func (s *server) openRobot() error {
	key := s.settings.WeCom.Robot.Key.Reveal()
	if key == "" {
		return nil
	}
	client, err := api.NewKeyed(key, api.Options{BaseURL: s.settings.WeCom.APIBaseURL, Log: s.log})
	if err != nil {
		return err
	}
	s.clients["push robot"] = client
	s.robot = robot.New(client, key, s.store, s.log)
	return nil
}
