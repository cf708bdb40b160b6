package main

import (
	"fmt"
	"slices"
	"strings"

	"aeobot/bot"
	"aeobot/bot/console/login"
	"aeobot/configs"
)

// spelling is a person as a setting spells them.
type spelling struct{ id, key string }

// namedPeople are the people whom the settings name. Accounts that cannot be read are the
// console's to refuse.
func namedPeople(a configs.Access) (all []spelling) {
	add := func(key string, ids ...string) {
		for _, id := range ids {
			all = append(all, spelling{id, key})
		}
	}
	add("curation.coordinators", a.Coordinators...)
	add("console.admins", a.Admins...)
	add("console.readers", a.Readers...)
	if accounts, err := login.ParseAccounts(a.Accounts.Reveal()); err == nil {
		for _, account := range accounts {
			add("console.accounts", account.Name)
		}
	}
	if a.Password.Reveal() != "" {
		add("console.password", login.AdminName)
	}
	return all
}

// checkPeople refuses two spellings of one person: whoever wrote them took them for two.
func checkPeople(a configs.Access) error {
	known := map[string]spelling{}
	for _, n := range namedPeople(a) {
		folded := bot.FoldPerson(n.id)
		other, there := known[folded]
		if there && other.id != n.id {
			return fmt.Errorf("%s names %q and %s names %q, which are one person; write the id the same in both, or take one out", other.key, other.id, n.key, n.id)
		}
		known[folded] = n
	}
	return nil
}

// spellings are the ways a person's user id may have been kept: as it was given, as the
// platform lower-cases ids, as the settings have it, and as it stands in addresses.
func spellings(access configs.Access, person bot.Asker, addresses []bot.Address) []bot.Asker {
	all := []bot.Asker{person, bot.Asker(strings.ToLower(string(person)))}
	for _, n := range namedPeople(access) {
		if bot.SamePerson(n.id, string(person)) {
			all = append(all, bot.Asker(n.id))
		}
	}
	for _, a := range addresses {
		if a.Is(person) {
			all = append(all, a.Asker)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
