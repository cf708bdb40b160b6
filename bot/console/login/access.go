package login

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"

	"aeobot/bot"
)

// Access is who may enter and as what. It can change while the program runs.
type Access struct {
	// Accounts are those who log in by password.
	Accounts []Account
	// Password is that of the account admin, which is an admin; empty: there is none.
	Password string
	// RoleOf is the role of a member of the company; nil: nobody has one.
	RoleOf func(userID string) Role
}

// access is an Access in force. It does not change: a request keeps the one it began with.
type access struct {
	*accounts
	roleOf func(userID string) Role
	// unknown: the settings cannot be read, so nobody may enter.
	unknown bool
}

// Use puts an Access in force. Sessions that rest on another are good no more; EndRevoked
// ends them at the other replicas.
func (g *Guard) Use(a Access) error {
	accounts, err := newAccounts(a.Accounts, a.Password, g.o.iterations)
	if err != nil {
		return err
	}
	if a.RoleOf == nil {
		a.RoleOf = func(string) Role { return Nobody }
	}
	if len(accounts.byName) > 0 {
		g.passwords.Store(true)
	}
	g.inForce.Store(&access{accounts: accounts, roleOf: a.RoleOf})
	return nil
}

// Suspend keeps everybody out until Use, since nobody knows who may enter. It ends no
// session.
func (g *Guard) Suspend() {
	g.inForce.Store(&access{accounts: &accounts{}, roleOf: func(string) Role { return Nobody }, unknown: true})
}

// known fails with a refusal while nobody knows who may enter.
func (g *Guard) known() error {
	if g.inForce.Load().unknown {
		return refusal{status: http.StatusServiceUnavailable, text: textUnknown}
	}
	return nil
}

// offers reports whether this replica lets people in by a way, or has since it started. It
// judges no sessions of other ways: a replica without WeCom login knows nothing of members.
func (g *Guard) offers(way string) bool {
	return way == WayPassword && g.passwords.Load() || way == WayWeCom && g.o.OAuth != nil
}

// grant is what the person of a session may do, and a mark of what that rests on: a session
// ends when its mark is another.
func (a *access) grant(by, id string) (Role, string) {
	switch by {
	case WayWeCom:
		role := a.roleOf(id)
		return role, role.String()
	case WayPassword:
		if account, there := a.of(id); there {
			return account.Role, account.mark()
		}
	}
	return Nobody, ""
}

// grants reports whether a session rests on what is in force, as far as that shows without
// its token.
func (a *access) grants(s session) bool {
	role, mark := a.grant(s.By, s.ID)
	return role != Nobody && s.Grant == mark
}

// EndRevoked ends the sessions that rest on what is no longer in force, for all replicas,
// those too whose own settings are still the old ones.
func (g *Guard) EndRevoked(ctx context.Context) error {
	now := g.inForce.Load()
	if now.unknown || g.open() {
		return nil
	}
	items, err := g.o.Store.Items(ctx, kindSessions)
	if err != nil {
		return err
	}
	for _, item := range items {
		var s session
		if json.Unmarshal(item.Data, &s) != nil || !g.offers(s.By) || now.grants(s) {
			continue
		}
		if err := g.revoke(ctx, item.ID, s); err != nil {
			return err
		}
	}
	return nil
}

// revoke ends a session that is not granted here.
func (g *Guard) revoke(ctx context.Context, id string, s session) error {
	g.o.Log.Info("console: session ended: its account is gone or another, or a replica has other settings", slog.String("way", s.By), slog.Any("asker", bot.Asker(s.ID)))
	return g.end(ctx, id)
}
