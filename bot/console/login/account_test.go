package login

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestAccountLines(t *testing.T) {
	a, err := newAccount("lin.yue", Coordinator, "十二个汉字的密码也算够长了", minIterations)
	if err != nil {
		t.Fatal(err)
	}
	b, err := newAccount("chen.jing", Admin, goodPassword, minIterations)
	if err != nil {
		t.Fatal(err)
	}
	for _, sep := range []string{"\n", "\r\n", ",", ", ", " ", "\n\n"} {
		got, err := ParseAccounts(a.Line() + sep + b.Line() + sep)
		if err != nil || len(got) != 2 || got[0].Line() != a.Line() || got[1].Line() != b.Line() {
			t.Errorf("parted by %q: %v, %v", sep, got, err)
		}
	}
	list, err := newAccounts([]Account{a, b}, "", iterations)
	if err != nil || !list.check("lin.yue", "十二个汉字的密码也算够长了") || list.check("lin.yue", goodPassword) {
		t.Errorf("checks: %v", err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		if got := fmt.Sprintf(verb, []Account{a}); strings.Contains(got, "$") || strings.Contains(got, fmt.Sprintf("%x", a.hash)) {
			t.Errorf("%s shows the hash: %s", verb, got)
		}
	}
}

func TestNewAccountRefuses(t *testing.T) {
	for _, tt := range []struct {
		name     string
		role     Role
		password string
		want     error
	}{
		{"lin.yue", Reader, "elevenchars", ErrPassword},
		{"lin.yue", Reader, "十一个汉字的密码不够长", ErrPassword},
		{"lin.yue", Reader, strings.Repeat("x", maxPassword+1), ErrPassword},
		{"lin.yue", Nobody, goodPassword, nil}, {"lin.yue", Admin + 1, goodPassword, nil},
		{"", Reader, goodPassword, nil}, {"a:b", Reader, goodPassword, nil}, {"a b", Reader, goodPassword, nil}, {"-a", Reader, goodPassword, nil}, {"林悦", Reader, goodPassword, nil},
	} {
		if _, err := newAccount(tt.name, tt.role, tt.password, cheap); err == nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%q %v %q: %v", tt.name, tt.role, tt.password, err)
		}
	}
}

var badLines = []string{
	"lin.yue", "lin.yue:reader", "lin.yue:reader:x", "lin.yue:boss:H", "lin.yue:nobody:H", ":reader:H", "lin yue:reader:H", "lin.yue:reader:H:x",
	"lin.yue:reader:pbkdf2-sha256$600000$c2FsdA$aGFzaA", "lin.yue:reader:bcrypt$600000$AAAAAAAAAAAAAAAAAAAAAA$H",
	"lin.yue:reader:pbkdf2-sha256$1$AAAAAAAAAAAAAAAAAAAAAA$" + strings.Repeat("A", 43),
	"lin.yue:reader:pbkdf2-sha256$999999999999$AAAAAAAAAAAAAAAAAAAAAA$" + strings.Repeat("A", 43),
	"lin.yue:reader:pbkdf2-sha256$600000$AAAAAAAAAAAAAAAAAAAAAB$" + strings.Repeat("A", 43), // spare bits set
	"lin.yue:reader:pbkdf2-sha25600000",
}

func TestBadAccountLines(t *testing.T) {
	good := "a:reader:pbkdf2-sha256$600000$" + strings.Repeat("A", 22) + "$" + strings.Repeat("A", 43)
	for _, line := range append(badLines, "a:admin:"+strings.SplitN(good, ":", 3)[2], "A:admin:"+strings.SplitN(good, ":", 3)[2]) {
		_, err := ParseAccounts(good + "\n" + strings.ReplaceAll(line, ":H", ":MARK"))
		if err == nil || !strings.Contains(err.Error(), "account") || !strings.Contains(err.Error(), "aeobot console account") || strings.Contains(err.Error(), "MARK") || strings.Contains(err.Error(), "AAAA") {
			t.Errorf("%q: %v", line, err)
		}
	}
	if all, err := ParseAccounts(" \n, \t"); err != nil || len(all) != 0 {
		t.Errorf("nothing: %v, %v", all, err)
	}
}

func TestNewRefuses(t *testing.T) {
	s := bolt(t)
	for name, o := range map[string]Options{
		"no store":        {},
		"admin twice":     {Store: s, Password: goodPassword, Accounts: []Account{account(t, "admin", Admin)}},
		"account twice":   {Store: s, Accounts: []Account{account(t, "a", Admin), account(t, "a", Reader)}},
		"empty account":   {Store: s, Accounts: []Account{{Name: "a", Role: Admin}}},
		"OAuth alone":     {Store: s, OAuth: &OAuth{Members: &members{}, AuthorizeURL: authorizeURL, CorpID: "ww1"}},
		"OAuth of nobody": {Store: s, BaseURL: publicURL, OAuth: &OAuth{AuthorizeURL: authorizeURL, CorpID: "ww1"}},
		"no base URL":     {Store: s, BaseURL: "aeo.example.com"},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestRoles(t *testing.T) {
	roleOf := Roles([]string{"a", ""}, []string{"a", "c"}, []string{"a", "c", "r"})
	for id, want := range map[string]Role{"a": Admin, "c": Coordinator, "r": Reader, "x": Nobody, "": Nobody, "A": Admin, "ｃ": Coordinator, "R": Reader, "а": Nobody /* Cyrillic */, "\u200b": Nobody} {
		if got := roleOf(id); got != want {
			t.Errorf("%q is %v, want %v", id, got, want)
		}
	}
	for r := Reader; r <= Admin; r++ {
		if got, ok := ParseRole(r.String()); got != r || !ok {
			t.Errorf("%v reads as %v", r, got)
		}
	}
	if _, ok := ParseRole("nobody"); ok {
		t.Error("nobody is a role that can be given")
	}
}

// FuzzAccounts: what is read is written the same again, and errors repeat nothing.
func FuzzAccounts(f *testing.F) {
	f.Add("a:reader:pbkdf2-sha256$600000$" + strings.Repeat("A", 22) + "$" + strings.Repeat("A", 43) + "\n")
	for _, line := range badLines {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, err := ParseAccounts(text)
		if err != nil {
			if len(text) > 12 && strings.Contains(err.Error(), text) {
				t.Errorf("the error repeats %q", text)
			}
			return
		}
		var lines []string
		for _, a := range all {
			if a.Role < Reader || a.Role > Admin || len(a.hash) != hashBytes || len(a.salt) != saltBytes {
				t.Errorf("%q gives %+v", text, a)
			}
			lines = append(lines, a.Line())
		}
		again, err := ParseAccounts(strings.Join(lines, "\n"))
		if err != nil || len(again) != len(all) {
			t.Errorf("%q: again %v", text, err)
		}
		for _, line := range lines {
			if !strings.Contains(text, line) && !strings.Contains(text, "$0") && !strings.Contains(text, "$+") {
				t.Errorf("%q is written as %q", text, line)
			}
		}
	})
}
