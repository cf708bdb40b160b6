package login

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"aeobot/bot"
)

const (
	// iterations of PBKDF2 with SHA-256, as OWASP advises; a tenth of a second.
	iterations = 600_000
	// minIterations and maxIterations bound what a line may ask for: fewer is no
	// protection, more is a login that takes seconds.
	minIterations, maxIterations = 100_000, 10_000_000

	saltBytes, hashBytes = 16, 32

	// minPassword is in characters, maxPassword in bytes.
	minPassword, maxPassword = 12, 1024

	// AdminName is the account of Options.Password.
	AdminName = "admin"
	scheme    = "pbkdf2-sha256"
)

// Account is one who logs in by password.
type Account struct {
	// Name is the person's ID. Use the user id of WeCom, and both are one person where it
	// takes two.
	Name string
	Role Role

	iterations int
	salt, hash []byte
}

// ErrPassword is returned for a password that is too short or too long.
var ErrPassword = errors.New("login: a password needs at least 12 characters and at most 1024 bytes")

// NewAccount hashes a password.
func NewAccount(name string, role Role, password string) (Account, error) {
	return newAccount(name, role, password, iterations)
}

func newAccount(name string, role Role, password string, iterations int) (Account, error) {
	switch {
	case !namePattern.MatchString(name):
		return Account{}, fmt.Errorf("login: name %q must be 1 to 64 letters, digits and . _ - @", name)
	case role <= Nobody || role > Admin:
		return Account{}, errors.New("login: role must be reader, coordinator or admin")
	case utf8.RuneCountInString(password) < minPassword || len(password) > maxPassword:
		return Account{}, ErrPassword
	}
	a := Account{Name: name, Role: role, iterations: iterations, salt: make([]byte, saltBytes)}
	rand.Read(a.salt) // never fails: crypto/rand aborts the program instead
	var err error
	a.hash, err = stretch(password, a.salt, iterations)
	return a, err
}

func stretch(password string, salt []byte, iterations int) ([]byte, error) {
	return pbkdf2.Key(sha256.New, password, salt, iterations, hashBytes)
}

// Line is the account as settings hold it.
func (a Account) Line() string {
	return fmt.Sprintf("%s:%s:%s$%d$%s$%s", a.Name, a.Role, scheme, a.iterations,
		base64.RawStdEncoding.EncodeToString(a.salt), base64.RawStdEncoding.EncodeToString(a.hash))
}

// mark names an account as it is now, role and password, for the sessions in the store. It
// is made from the salt, which the store has not and which no two passwords share; nobody can
// test passwords on it. That of console.password is the same for every password, see
// session.Proof.
func (a Account) mark() string { return derive(string(a.salt), "session "+a.Role.String()) }

// String hides what could be guessed at.
func (a Account) String() string { return a.Name + ":" + a.Role.String() }

// Format hides it under every verb.
func (a Account) Format(f fmt.State, _ rune) { fmt.Fprint(f, a.String()) }

// namePattern is what a user id of WeCom may be.
var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

// ParseAccounts reads accounts as Line writes them, parted by line breaks, blanks or
// commas. Its errors name an account by number and never repeat it.
func ParseAccounts(text string) ([]Account, error) {
	var all []Account
	names := map[string]string{}
	for i, line := range strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(" \t\r\n,", c) }) {
		a, err := parseAccount(line)
		if other, taken := names[bot.FoldPerson(a.Name)]; err == nil && taken {
			err = fmt.Errorf("the name %s is taken by %s: both are one person", a.Name, other)
		}
		if err != nil {
			return nil, fmt.Errorf("login: account %d: %w; make the line with `aeobot console account NAME --role ROLE`", i+1, err)
		}
		names[bot.FoldPerson(a.Name)] = a.Name
		all = append(all, a)
	}
	return all, nil
}

func parseAccount(line string) (Account, error) {
	f := strings.Split(line, ":")
	if len(f) != 3 || !namePattern.MatchString(f[0]) {
		return Account{}, errors.New("is not name:role:hash")
	}
	role, ok := ParseRole(f[1])
	if !ok {
		return Account{}, errors.New("the role is none of reader, coordinator, admin")
	}
	h := strings.Split(f[2], "$")
	if len(h) != 4 || h[0] != scheme {
		return Account{}, errors.New("the hash is not " + scheme + "$iterations$salt$hash (a shell takes $ for its own: write it in single quotes or in a file)")
	}
	n, err := strconv.Atoi(h[1])
	if err != nil || n < minIterations || n > maxIterations {
		return Account{}, fmt.Errorf("iterations are not between %d and %d", minIterations, maxIterations)
	}
	a := Account{Name: f[0], Role: role, iterations: n}
	for _, part := range []struct {
		text  string
		into  *[]byte
		bytes int
	}{{h[2], &a.salt, saltBytes}, {h[3], &a.hash, hashBytes}} {
		*part.into, err = base64.RawStdEncoding.Strict().DecodeString(part.text)
		if err != nil || len(*part.into) != part.bytes {
			return Account{}, errors.New("salt or hash is not whole")
		}
	}
	return a, nil
}

// accounts are those who log in by password.
type accounts struct {
	byName map[string]Account // by the folded name
	// dummy is checked in place of an account that is not there, so that the time taken
	// tells nobody which names there are.
	dummy Account
}

func newAccounts(list []Account, password string, iterations int) (*accounts, error) {
	a := &accounts{byName: map[string]Account{}}
	a.dummy = Account{iterations: iterations, salt: make([]byte, saltBytes), hash: make([]byte, hashBytes)}
	for i, account := range list {
		if _, taken := a.of(account.Name); taken || account.hash == nil {
			return nil, fmt.Errorf("login: account %s is there twice or has no password", account.Name)
		}
		a.byName[bot.FoldPerson(account.Name)] = account
		if i == 0 || account.iterations > a.dummy.iterations {
			a.dummy.iterations = account.iterations
		}
	}
	if password == "" {
		return a, nil
	}
	if _, taken := a.of(AdminName); taken {
		return nil, errors.New("login: the account admin and the password of admin are both set; keep one")
	}
	// The salt is the same in every replica, or a session would be good in one only. The
	// hash is never stored, so it need not differ from anybody else's.
	admin := Account{Name: AdminName, Role: Admin, iterations: iterations, salt: []byte("aeobot console.password")}
	var err error
	admin.hash, err = stretch(password, admin.salt, iterations)
	a.byName[AdminName] = admin
	return a, err
}

// of finds an account, however its name is spelled.
func (a *accounts) of(name string) (Account, bool) {
	account, known := a.byName[bot.FoldPerson(name)]
	return account, known
}

func (a *accounts) has(name string) bool {
	_, there := a.of(name)
	return there
}

// check tells whether a password is an account's. It takes as long for a name that is not
// there, and for a password that is too long to be one.
func (a *accounts) check(name, password string) bool {
	account, known := a.of(name)
	if !known {
		account = a.dummy
	}
	possible := len(password) <= maxPassword
	if !possible {
		password = ""
	}
	got, err := stretch(password, account.salt, account.iterations)
	return err == nil && subtle.ConstantTimeCompare(got, account.hash) == 1 && known && possible
}

// proof ties a token to an account's password.
func (a *accounts) proof(name, token string) string {
	account, _ := a.of(name)
	return derive(token, "password "+string(account.hash))
}

// deviceProof shows that somebody has logged in to an account from the browser that has
// the nonce. It ends with the password.
func (a *accounts) deviceProof(name, nonce string) string {
	account, _ := a.of(name)
	return derive(string(account.hash), "device "+nonce)
}
