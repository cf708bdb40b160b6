package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"reflect"

	"aeobot/bot"
	"aeobot/bot/console/login"
	"aeobot/configs"
)

// accessOf is who may enter the console by the settings.
func accessOf(a configs.Access) (login.Access, error) {
	if err := checkPeople(a); err != nil {
		return login.Access{}, err
	}
	accounts, err := login.ParseAccounts(a.Accounts.Reveal())
	if err != nil {
		return login.Access{}, err
	}
	return login.Access{Accounts: accounts, Password: a.Password.Reveal(), RoleOf: login.Roles(a.Admins, a.Coordinators, a.Readers)}, nil
}

// followAccess reads the settings again and puts in force who may enter and who may command
// the bot. What was read counts when it is there twice in a row: a file is often looked at
// while somebody writes it. Each time it also ends the sessions that rest on nothing any more.
func (s *server) followAccess() func(context.Context) error {
	last, inForce := s.settings.Access(), s.settings.Access()
	var failed bool
	return func(ctx context.Context) error {
		now, err := configs.LoadAccess(s.settingsFile, os.Environ())
		if errors.Is(err, configs.ErrOnce) {
			return errors.Join(err, s.guard.EndRevoked(ctx))
		}
		again := err == nil && !failed && reflect.DeepEqual(now, last) || err != nil && failed
		last, failed = now, err != nil
		switch {
		case !again:
		case err != nil:
			s.suspendAccess(err)
		case s.unknown.Load() != nil || !reflect.DeepEqual(now, inForce):
			if err = s.useAccess(now); err == nil {
				inForce = now
			}
		}
		return errors.Join(err, s.guard.EndRevoked(ctx))
	}
}

// suspendAccess keeps everybody out of the console, and names nobody as a coordinator whom
// the settings may not name any more.
func (s *server) suspendAccess(err error) {
	s.guard.Suspend()
	s.engine.SetHandover(bot.Handover{Text: s.settings.Handover.Text})
	if s.unknown.Swap(reason(err)) != nil {
		return
	}
	s.log.Warn("settings cannot be read: nobody may enter the console, and who asks for a person is named no coordinator", slog.Any("error", err))
}

func (s *server) useAccess(a configs.Access) error {
	access, err := accessOf(a)
	if err == nil {
		err = s.guard.Use(access)
	}
	if err != nil {
		s.suspendAccess(err)
		return err
	}
	s.unknown.Store(nil)
	s.desk.SetCoordinators(a.Coordinators)
	s.engine.SetHandover(bot.Handover{Text: s.settings.Handover.Text, Coordinators: a.Coordinators})
	s.log.Info("who may enter was read again", slog.Int("accounts", len(access.Accounts)), slog.Int("admins", len(a.Admins)),
		slog.Int("coordinators", len(a.Coordinators)), slog.Int("readers", len(a.Readers)))
	return nil
}
