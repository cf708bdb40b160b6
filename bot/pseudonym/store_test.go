package pseudonym_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/boltstore"
	"aeobot/bot/pseudonym"
	"aeobot/bot/redisstore"
	"aeobot/bot/storetest"
)

func named(t *testing.T, b pseudonym.Backend, o pseudonym.Options) *pseudonym.Store {
	t.Helper()
	s, err := pseudonym.New(b, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func openBolt(t *testing.T, o boltstore.Options) *boltstore.Store {
	t.Helper()
	o.NoSync = true
	s, err := boltstore.Open(filepath.Join(t.TempDir(), "s.db"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

const keyA, keyB = "key of the first month, 32 letters", "key of the next month, 32 letters."

// TestContract: with names of its own a store keeps what stores promise.
func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T, l storetest.Lives) storetest.Store {
		b := openBolt(t, boltstore.Options{SessionTTL: l.Session, RecordTTL: l.Record, UnansweredTTL: l.Unanswered})
		return named(t, b, pseudonym.Options{Key: keyA})
	})
}

var (
	lin     = bot.Asker("lin.yue.of.customs")
	group   = "wrGroupOfTheBrokers"
	talk    = bot.Conversation{Chat: group, Asker: lin}
	address = bot.Address{Channel: "aibot", Chat: group, Asker: lin}
)

// fill keeps something of every kind that is named after somebody.
func fill(t *testing.T, s storetest.Store) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	for _, c := range []bot.Conversation{talk, {Asker: lin}} {
		turn, err := s.Begin(ctx, c, "app:m1", "a", time.Minute)
		must(err)
		must(s.Commit(ctx, c, "app:m1", "a", turn.Version, &bot.Session{Seen: []string{"节"}}, []byte("reply")))
	}
	must(s.Rate(ctx, bot.NewFeedback("answer", lin, bot.Useless, time.Now()).WithComment("不对")))
	for _, kind := range []string{"given-2026113011", "wishes", "recalls"} {
		must(s.Put(ctx, kind, "1", []byte(`{"to":{"g":"`+group+`","u":"`+string(lin)+`"}}`), 0, time.Hour))
	}
	_, err := s.Enter(ctx, bot.Task{Queue: "app", ID: "wish:1", Data: []byte(`{"touser":"` + string(lin) + `"}`)}, "one", time.Minute, time.Hour)
	must(err)
	_, err = s.Enter(ctx, bot.Task{Queue: "app", ID: "wish:2", Data: []byte("{}")}, "one", time.Minute, time.Hour)
	must(err)
	must(s.Note(ctx, "app", "wish:2", "one", []byte(`{"chat":"`+group+`"}`), time.Minute))
}

// staffList is what somebody looks for who has every id and reads the store: the ids, and the
// digests of them that releases without a key used as names.
func staffList() (all []string) {
	digest := func(text string, n int) string {
		sum := sha256.Sum256([]byte(text))
		return hex.EncodeToString(sum[:n])
	}
	reader := digest("reader\x00"+string(lin), 12)
	return append(all, string(lin), group, talk.Key(), bot.Conversation{Asker: lin}.Key(), reader, digest("answer\x00"+reader, 12),
		address.Key(), address.Place().Key(), bot.Address{Channel: "aibot", Asker: lin}.Key())
}

func found(t *testing.T, where string, dump []byte) (hits int) {
	t.Helper()
	for _, s := range staffList() {
		if bytes.Contains(dump, []byte(s)) {
			t.Logf("%s holds %s", where, s)
			hits++
		}
	}
	return hits
}

// TestAStaffListFindsNobody: neither names nor values of a whole store show who wrote where,
// as they did without names of its own.
func TestAStaffListFindsNobody(t *testing.T) {
	for name, o := range map[string]pseudonym.Options{"key at random": {}, "key of the settings": {Key: keyA}} {
		t.Run("bbolt, "+name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s.db")
			dump := func(wrap func(*boltstore.Store) storetest.Store) []byte {
				os.Remove(path)
				b, err := boltstore.Open(path, boltstore.Options{})
				if err != nil {
					t.Fatal(err)
				}
				fill(t, wrap(b))
				if err := b.Close(); err != nil {
					t.Fatal(err)
				}
				data, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				return data
			}
			if found(t, "the store", dump(func(b *boltstore.Store) storetest.Store { return named(t, b, o) })) > 0 {
				t.Error("the store shows who wrote where")
			}
			if n := found(t, "a store without a key", dump(func(b *boltstore.Store) storetest.Store { return b })); n < 5 {
				t.Errorf("the test finds only %d names in a store that has no key", n)
			}
		})
	}
	t.Run("redis", func(t *testing.T) {
		r := storetest.StartRedis(t)
		s, err := redisstore.Open("redis://"+r.Addr, redisstore.Options{StepTimeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		fill(t, named(t, s, pseudonym.Options{Key: keyA}))
		dump := r.Dump()
		if !bytes.Contains(dump, []byte(":session")) || !bytes.Contains(dump, []byte("answer")) {
			t.Fatalf("nothing was dumped: %.300q", dump)
		}
		if found(t, "redis", dump) > 0 {
			t.Error("redis shows who wrote where")
		}
		if bytes.Contains(dump, []byte(keyA)) {
			t.Error("the key of the settings is in redis")
		}
	})
}

func session(t *testing.T, s storetest.Store, id string) bot.Turn {
	t.Helper()
	turn, err := s.Begin(t.Context(), talk, id, "again", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return turn
}

// kept holds what fill left against what is found of it.
func kept(t *testing.T, s *pseudonym.Store) {
	t.Helper()
	if turn := session(t, s, "app:m1"); turn.Claim != bot.Answered || string(turn.Record) != "reply" {
		t.Errorf("an answered message is answered again: %+v", turn)
	}
	if turn := session(t, s, ""); len(turn.Session.Seen) != 1 {
		t.Errorf("the conversation is lost: %+v", turn)
	}
	for _, kind := range []string{"given-2026113011", "wishes", "recalls"} {
		i, err := s.Get(t.Context(), kind, "1")
		all, err2 := s.Items(t.Context(), kind)
		if err != nil || err2 != nil || !strings.Contains(string(i.Data), string(lin)) || len(all) != 1 || string(all[0].Data) != string(i.Data) {
			t.Errorf("%s: %q, %v, %v", kind, i.Data, err, err2)
		}
	}
	if task, there, err := s.Look(t.Context(), "app", "wish:1"); err != nil || !there || !strings.Contains(string(task.Data), string(lin)) {
		t.Errorf("what was promised is lost: %q, %v", task.Data, err)
	}
	// The same reader's next opinion takes the place of the last.
	if err := s.Rate(t.Context(), bot.NewFeedback("answer", lin, bot.Useful, time.Now())); err != nil {
		t.Fatal(err)
	}
	if all, err := s.Feedback(t.Context()); err != nil || len(all) != 1 || all[0].Rating != bot.Useful {
		t.Errorf("opinions %+v, %v", all, err)
	}
	next := session(t, s, "app:m2")
	if err := s.Commit(t.Context(), talk, "app:m2", "again", next.Version, &bot.Session{Seen: []string{"节", "二"}}, nil); err != nil {
		t.Errorf("the conversation cannot be gone on with: %v", err)
	}
	if turn := session(t, s, ""); turn.Version == 0 || len(turn.Session.Seen) != 2 {
		t.Errorf("it was not saved anew: %+v", turn)
	}
	if n, err := s.Forget(t.Context(), []bot.Conversation{talk, {Asker: lin}}); err != nil || n < 4 {
		t.Errorf("forgot %d things under all names: %v", n, err)
	}
	if turn := session(t, s, "app:m1"); turn.Claim != bot.Mine || len(turn.Session.Seen) > 0 {
		t.Errorf("it is not forgotten: %+v", turn)
	}
	if n, err := s.Withdraw(t.Context(), []bot.Asker{lin}); err != nil || n != 1 {
		t.Errorf("took back %d opinions: %v", n, err)
	}
	about := func(task bot.Task) bool { return strings.Contains(string(task.Data), string(lin)) }
	if n, err := s.ForgetTasks(t.Context(), about); err != nil || n != 1 {
		t.Errorf("forgot %d tasks: %v", n, err)
	}
}

// TestNothingIsLostWhenTheKeyChanges: what was kept without a key, or under those of before,
// is found, gone on with and forgotten.
func TestNothingIsLostWhenTheKeyChanges(t *testing.T) {
	for name, steps := range map[string][]pseudonym.Options{
		"from no key at all":            {{}},
		"straight to a settings' key":   {{Key: keyA}},
		"random to the settings'":       {{}, {Key: keyA}},
		"changed":                       {{Key: keyA}, {Key: keyB, Former: keyA}},
		"changed, former taken out":     {{Key: keyA}, {Key: keyB, Former: keyA}, {Key: keyB}},
		"back to a random one":          {{Key: keyA}, {Former: keyA}, {}},
		"random, settings', next, gone": {{}, {Key: keyA}, {Key: keyB, Former: keyA}, {Former: keyB}, {}},
	} {
		t.Run(name, func(t *testing.T) {
			b := openBolt(t, boltstore.Options{})
			fill(t, b)
			for _, o := range steps {
				if err := named(t, b, o).Check(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			kept(t, named(t, b, steps[len(steps)-1]))
		})
		t.Run(name+", filled under the first", func(t *testing.T) {
			b := openBolt(t, boltstore.Options{})
			fill(t, named(t, b, steps[0]))
			for _, o := range steps[1:] {
				if err := named(t, b, o).Check(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			kept(t, named(t, b, steps[len(steps)-1]))
		})
	}
}

// TestAnotherKeyIsNoticed: a replica that starts with another key changes nothing and says
// so; one whose key is changed under it works on and says so.
func TestAnotherKeyIsNoticed(t *testing.T) {
	b := openBolt(t, boltstore.Options{})
	first := named(t, b, pseudonym.Options{Key: keyA})
	fill(t, first)
	for name, o := range map[string]pseudonym.Options{"another": {Key: keyB}, "none": {}, "a wrong former one": {Key: keyB, Former: keyB + "!"}} {
		other := named(t, b, o)
		if err := other.Check(t.Context()); !errors.Is(err, pseudonym.ErrKey) {
			t.Errorf("%s: check says %v", name, err)
		}
		if _, err := other.Begin(t.Context(), talk, "app:m9", "a", time.Minute); !errors.Is(err, pseudonym.ErrKey) {
			t.Errorf("%s: begin says %v", name, err)
		}
	}
	if err := first.Check(t.Context()); err != nil {
		t.Errorf("the one with the right key: %v", err)
	}
	next := named(t, b, pseudonym.Options{Key: keyB, Former: keyA})
	if err := next.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := first.Check(t.Context()); !errors.Is(err, pseudonym.ErrKey) {
		t.Errorf("its key was changed: %v", err)
	}
	if turn := session(t, first, "app:m1"); turn.Claim != bot.Answered {
		t.Errorf("it does not work on: %+v", turn)
	}
	if turn := session(t, next, "app:m1"); turn.Claim != bot.Answered {
		t.Errorf("the next does not find what it keeps: %+v", turn)
	}
}

// TestTheKeyOfTheSettingsIsNotInTheStore, nor a random one of before that could open what was
// kept: only when there is none in the settings does the key lie there, and Kept says so.
func TestTheKeyOfTheSettingsIsNotInTheStore(t *testing.T) {
	b := openBolt(t, boltstore.Options{})
	kept := func(s *pseudonym.Store, want bool) string {
		t.Helper()
		if got, err := s.Kept(t.Context()); err != nil || got != want {
			t.Errorf("kept: %v, %v, want %v", got, err, want)
		}
		i, err := b.Get(t.Context(), "pseudonym", "key")
		if err != nil || strings.Contains(string(i.Data), `"key":"`) != want {
			t.Errorf("record: %s, %v", i.Data, err)
		}
		return string(i.Data)
	}
	random := kept(named(t, b, pseudonym.Options{}), true)
	secret, _, _ := strings.Cut(strings.SplitAfter(random, `"key":"`)[1], `"`)
	if now := kept(named(t, b, pseudonym.Options{Key: keyA}), false); secret == "" || strings.Contains(now, secret) {
		t.Errorf("the random key of before still lies there: %s", now)
	}
}

// TestALostRecordComesBack from a replica that runs.
func TestALostRecordComesBack(t *testing.T) {
	b := openBolt(t, boltstore.Options{})
	s := named(t, b, pseudonym.Options{})
	fill(t, s)
	i, err := b.Get(t.Context(), "pseudonym", "key")
	if err == nil {
		err = b.Put(t.Context(), "pseudonym", "key", nil, i.Version, 0)
	}
	if err == nil {
		err = s.Check(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	if turn := session(t, named(t, b, pseudonym.Options{}), "app:m1"); turn.Claim != bot.Answered {
		t.Errorf("a replica that starts now has another key: %+v", turn)
	}
}

// TestASealedValueStaysInItsPlace: one that was moved to another id, or changed, is no value.
func TestASealedValueStaysInItsPlace(t *testing.T) {
	b := openBolt(t, boltstore.Options{})
	s := named(t, b, pseudonym.Options{Key: keyA})
	fill(t, s)
	i, err := b.Get(t.Context(), "wishes", "1")
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Clone(i.Data)
	changed[len(changed)-1] ^= 1
	for id, data := range map[string][]byte{"moved": i.Data, "changed": changed, "cut": i.Data[:30]} {
		if err := b.Put(context.Background(), "wishes", id, data, 0, time.Hour); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Get(t.Context(), "wishes", id); err == nil {
			t.Errorf("%s: %q", id, got.Data)
		}
	}
}
