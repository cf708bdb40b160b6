package login

import (
	"context"

	"aeobot/bot"
)

// Role is what a person may do. Roles are ordered: whoever may more, may less.
type Role int

// The roles. A reader sees, a coordinator edits, an admin also looks after the console.
const (
	Nobody Role = iota
	Reader
	Coordinator
	Admin
)

// roles are the roles' names, as settings write them and as people read them.
var roles = [...]struct{ name, chinese string }{{"nobody", "无权限"}, {"reader", "只读"}, {"coordinator", "协调员"}, {"admin", "管理员"}}

func (r Role) String() string { return roles[r].name }

// Chinese is the role as people read it.
func (r Role) Chinese() string { return roles[r].chinese }

// ParseRole reads a name that String gives. No setting can make somebody nobody.
func ParseRole(name string) (Role, bool) {
	for r := Reader; r <= Admin; r++ {
		if roles[r].name == name {
			return r, true
		}
	}
	return Nobody, false
}

// Roles is who has which role, by user id. Whoever is on several lists has the highest.
func Roles(admins, coordinators, readers []string) func(userID string) Role {
	return func(userID string) Role {
		switch {
		case userID == "":
			return Nobody
		case bot.HasPerson(admins, userID):
			return Admin
		case bot.HasPerson(coordinators, userID):
			return Coordinator
		case bot.HasPerson(readers, userID):
			return Reader
		}
		return Nobody
	}
}

// Person is who made a request. The zero Person may nothing.
type Person struct {
	// ID is the account's name or the user id, as it came. IDs are compared with
	// bot.SamePerson, however they came in.
	ID   string
	Role Role
	// CSRF is to be sent with every change, as the field csrf or the header X-CSRF-Token.
	CSRF string
	// Session names the session in logs; it opens nothing.
	Session string
	// Local is a person at this machine while no login is set.
	Local bool
}

type personKey struct{}

// Of is who made the request with this context, behind Require.
func Of(ctx context.Context) Person {
	p, _ := ctx.Value(personKey{}).(Person)
	return p
}
