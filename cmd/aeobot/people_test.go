package main

import (
	"strings"
	"testing"

	"aeobot/configs"
)

func TestCheckPeople(t *testing.T) {
	accounts := strings.TrimPrefix(consoleAccounts(t, "wang.qiang:coordinator"), "AEOBOT_CONSOLE_ACCOUNTS=")
	for name, tt := range map[string]struct {
		set   func(c *configs.Config)
		named []string // none: taken
	}{
		"one list":           {func(c *configs.Config) { c.Curation.Coordinators = []string{"Zhang.San", "wang", "zhang.san"} }, []string{"Zhang.San", "zhang.san", "curation.coordinators"}},
		"width":              {func(c *configs.Config) { c.Curation.Coordinators = []string{"zhang.san", "ｚhang.san"} }, []string{"zhang.san", "ｚhang.san"}},
		"two lists":          {func(c *configs.Config) { c.Curation.Coordinators, c.Console.Readers = []string{"Li"}, []string{"li"} }, []string{`"Li"`, `"li"`, "curation.coordinators", "console.readers"}},
		"admins and readers": {func(c *configs.Config) { c.Console.Admins, c.Console.Readers = []string{"Li"}, []string{"LI"} }, []string{`"Li"`, `"LI"`, "console.admins"}},
		"a list and accounts": {func(c *configs.Config) {
			c.Console.Accounts, c.Curation.Coordinators = configs.Secret(accounts), []string{"Wang.Qiang"}
		}, []string{"Wang.Qiang", "wang.qiang", "console.accounts"}},
		"the password's admin": {func(c *configs.Config) {
			c.Console.Password, c.Console.Admins = "correct horse battery", []string{"Admin"}
		}, []string{`"Admin"`, `"admin"`, "console.password"}},
		"the same in two": {func(c *configs.Config) {
			c.Console.Admins, c.Curation.Coordinators = []string{"li"}, []string{"li", "wang"}
		}, nil},
	} {
		c := configs.Default()
		tt.set(&c)
		err := checkPeople(c.Access())
		if (err == nil) != (tt.named == nil) {
			t.Errorf("%s: %v", name, err)
		}
		if _, again := accessOf(c.Access()); (again == nil) != (tt.named == nil) {
			t.Errorf("%s, read again: %v", name, again)
		}
		for _, want := range tt.named {
			if err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is not in %v", name, want, err)
			}
		}
	}
}

// TestOneOfTwoPeopleInTwoSpellings: nobody is two people, at the command line, in the
// settings, or in the chat.
func TestOneOfTwoPeopleInTwoSpellings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	notes := editedNotes(t, unheardOfAsked)
	for _, approver := range []string{"zhang.san", "ZHANG.SAN", "ｚhang.san", "Zhang\u200b.San"} {
		got := execute(t, dir, "", nil, "knowledge", "publish", "--author", "Zhang.San", "--approver", approver, "--reason", "试", "--override", "试", notes)
		if got.status == 0 || strings.Contains(got.stdout, "已发布") {
			t.Errorf("%q approved: %s%s", approver, got.stdout, got.stderr)
		}
	}
	got := execute(t, dir, "", []string{"AEOBOT_CURATION_COORDINATORS=Zhang.San,zhang.san"}, "serve")
	if got.status != exitUsage || !strings.Contains(got.stderr, `"Zhang.San"`) || !strings.Contains(got.stderr, `"zhang.san"`) {
		t.Errorf("status %d: %s", got.status, got.stderr)
	}
	r := startServe(t, t.TempDir(), "AEOBOT_CURATION_COORDINATORS=Zhang.San,wang.qiang")
	o := &office{t: t, c: newClient(t)}
	id := proposalIn.FindStringSubmatch(o.hears(r, "Zhang.San", "/教 优先通关实现方式 1 "+unheardOf, "", "提议"))[1]
	o.until(r, "WANG.QIANG", "/待准", "评测通过")
	o.hears(r, "zhang.san", "/准 "+id, "", "另一位协调员")
	o.hears(r, "WANG.QIANG", "/准 "+id, "", "已发布版本 1")
	r.stop()
}
