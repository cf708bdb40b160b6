package main

import (
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
	{"wecom.app", (*server).openApp},
	{"wecom.kf", (*server).openKF},
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
	s.aibot = aibot.NewCallback(s.engine, codec, aibot.Options{Name: c.AIBot.Name, Cards: c.AIBot.Cards, MaxSkew: c.MaxClockSkew,
		Log: s.log, Count: s.metrics.callback("aibot"), Journal: s.store, Late: late})
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
	s.long = aibot.NewConnection(s.engine, s.store, aibot.ConnectionOptions{
		URL: c.AIBot.WSURL, BotID: c.AIBot.BotID, Secret: c.AIBot.Secret.Reveal(), Name: c.AIBot.Name, Cards: c.AIBot.Cards,
		Log: s.log, Count: s.metrics.callback("aibot_connection"), Pushed: s.desk.Pushed, Journal: s.store, Late: late,
		Times: aibot.Times{Lease: c.AIBot.Lease, Drain: s.settings.ShutdownTimeout},
	})
	return nil
}

// applicationClient names the application's way to call the platform.
const applicationClient = "application"

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
	s.app = app.NewCallback(s.engine, codec, sender, app.Options{
		CorpID: c.App.CorpID, AgentID: c.App.AgentID, Markdown: c.App.Markdown, Cards: c.App.Cards, MaxSkew: c.MaxClockSkew,
		Log: s.log, Count: s.metrics.callback("app"), Pushed: s.desk.Pushed, Journal: s.store, Greeted: s.store,
	})
	s.callbacks["app"] = s.app
	return nil
}

func (s *server) openKF() error {
	c := s.settings.WeCom
	if c.KF.Token.Reveal() == "" {
		return nil
	}
	codec, err := envelope.New(c.KF.Token.Reveal(), c.KF.EncodingAESKey.Reveal(), c.KF.CorpID)
	if err != nil {
		return err
	}
	client, err := s.client("customer service", api.Options{CorpID: c.KF.CorpID, Secret: c.KF.Secret.Reveal()})
	if err != nil {
		return err
	}
	s.kf = kf.NewCallback(s.engine, codec, client, s.store, kf.Options{CorpID: c.KF.CorpID, MaxSkew: c.MaxClockSkew,
		Log: s.log, Count: s.metrics.callback("kf"), Pushed: s.desk.Pushed})
	s.callbacks["kf"] = s.kf
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
