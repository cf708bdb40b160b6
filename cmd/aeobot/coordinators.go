package main

import (
	"context"
	"fmt"
	"net/netip"

	"aeobot/bot/console"
	"aeobot/bot/console/login"
	"aeobot/bot/wecom/api"
	"aeobot/index/eval"
	"aeobot/knowledge"
)

// openConsole makes the coordinators' console and the guard before it.
func (s *server) openConsole(closed func() string) error {
	var err error
	if s.guard, err = s.openGuard(closed); err != nil {
		return fmt.Errorf("console: %w", err)
	}
	reader, err := ownProgram()
	if err != nil {
		return fmt.Errorf("console: %w", err)
	}
	s.console = console.New(console.Options{
		Index: s.live, Desk: s.desk, Editions: s.editions, Shelf: s.store, Feedback: s.store, Audit: s.audit, Guard: s.guard, Versions: published(s.settings),
		Examine: examineLibrary, Read: reader.read, Trouble: s.trouble, Setup: s.setupReports(), Log: s.log,
	})
	return nil
}

func (s *server) openGuard(closed func() string) (*login.Guard, error) {
	c := s.settings.Console
	access, err := accessOf(s.settings.Access())
	if err != nil {
		return nil, err
	}
	proxies, err := prefixes(c.TrustedProxies)
	if err != nil {
		return nil, err
	}
	oauth, err := s.openOAuth()
	if err != nil {
		return nil, err
	}
	return login.New(login.Options{
		Accounts: access.Accounts, Password: access.Password, OAuth: oauth, RoleOf: access.RoleOf,
		Store: s.store, Proxies: proxies, Closed: closed, BaseURL: c.BaseURL, MaxBody: console.MaxBody, Audit: s.audit.Append, Count: s.metrics.login, Log: s.log,
	})
}

// openOAuth lets members in through WeCom where the application and the console's address
// are known.
func (s *server) openOAuth() (*login.OAuth, error) {
	app := s.settings.WeCom.App
	if !s.settings.MemberLogin() {
		return nil, nil
	}
	client := s.clients[applicationClient]
	if client == nil { // no channel of the application is open
		var err error
		if client, err = s.client(applicationClient, api.Options{CorpID: app.CorpID, AgentID: app.AgentID, Secret: app.Secret.Reveal()}); err != nil {
			return nil, err
		}
	}
	return &login.OAuth{Members: client, AuthorizeURL: s.settings.WeCom.OAuthURL, CorpID: app.CorpID, AgentID: app.AgentID}, nil
}

// prefixes reads networks, and addresses as networks of one.
func prefixes(list []string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range list {
		p, err := netip.ParsePrefix(text)
		if a, bad := netip.ParseAddr(text); bad == nil {
			a = a.Unmap() // as peers are compared
			p, err = a.Prefix(a.BitLen())
		}
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// trouble is what /readyz names, for the console.
func (s *server) trouble(ctx context.Context) []string {
	return s.readiness(ctx).Reasons
}

// examineLibrary asks the judged questions of one state of the knowledge.
func examineLibrary(ctx context.Context, l *knowledge.Library, progress func(asked, all int)) (eval.Report, error) {
	exam, err := eval.Known()
	if err != nil {
		return eval.Report{}, err
	}
	asked := 0
	v, err := judgeState(ctx, exam, l, func() {
		asked++
		progress(asked, exam.Len())
	})
	if err != nil {
		return eval.Report{}, err
	}
	report, where := eval.NewReport(v), placesOf(l)
	for i, m := range report.Misses {
		report.Misses[i].Expect, report.Misses[i].Shown = where.say(m.Expect), where.say(m.Shown)
	}
	return report, nil
}
