package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"aeobot/bot"
	"aeobot/bot/boltstore"
	"aeobot/bot/pseudonym"
	"aeobot/bot/redisstore"
	"aeobot/configs"
	"aeobot/index"
	"aeobot/knowledge"
	"aeobot/knowledge/articles"
)

// settings reads file, environment and flags, and says what is odd.
func (g *global) settings() (configs.Config, error) {
	c, warnings, err := g.read()
	if err != nil {
		return configs.Config{}, err
	}
	for _, w := range warnings {
		fmt.Fprintln(os.Stderr, "aeobot: warning: "+w)
	}
	return c, nil
}

// read gives settings that are fit to be used, by this command or not.
func (g *global) read() (configs.Config, []string, error) {
	c, warnings, err := configs.Load(g.config, os.Environ(), g.overrides()...)
	if err != nil {
		return configs.Config{}, nil, usageError{err}
	}
	if url := c.Redis.URL.Reveal(); url != "" {
		if err := redisstore.CheckURL(url, c.Redis.AllowInsecure); err != nil {
			return configs.Config{}, nil, usageError{err}
		}
	}
	if err := checkPeople(c.Access()); err != nil {
		return configs.Config{}, nil, usageError{err}
	}
	return c, warnings, nil
}

// overrides are the flags that were given and stand for settings.
func (g *global) overrides() []configs.Flag {
	var given []configs.Flag
	for _, f := range []struct {
		name, key string
		values    []string
	}{{"knowledge", "knowledge.paths", g.knowledge}, {"data", "data_dir", []string{g.data}}, {"redis", "redis.url", []string{g.redis}}} {
		if g.flags.Changed(f.name) {
			given = append(given, configs.Flag{Name: "--" + f.name, Key: f.key, Values: f.values})
		}
	}
	return given
}

// checkFlags holds flags to what the settings must be, also where the command needs none.
func (g *global) checkFlags(*cobra.Command, []string) error {
	if g.config == "" && len(g.overrides()) == 0 {
		return nil
	}
	_, _, err := g.read()
	return err
}

// loadLibrary reads the knowledge the settings name, or the shipped article.
func (g *global) loadLibrary() (*knowledge.Library, configs.Config, error) {
	c, err := g.settings()
	if err != nil {
		return nil, configs.Config{}, err
	}
	library, _, err := load(c)
	if err != nil {
		return nil, configs.Config{}, usageError{err}
	}
	return library, c, nil
}

// load reads the files the settings name; without any, what was published last, or the
// shipped article. number is the published state's; 0 for any other.
func load(c configs.Config) (l *knowledge.Library, number int, err error) {
	if len(c.Knowledge.Paths) > 0 {
		l, err = knowledge.Load(c.Knowledge.Paths, articles.FS)
		return l, 0, err
	}
	s, err := inForce(c)
	if err != nil {
		return nil, 0, err
	}
	l, err = s.library()
	return l, s.number, err
}

// answerWithin is how long may be searched for one message of somebody who waits: WeCom
// gives up after five seconds.
const answerWithin = 2 * time.Second

// openIndex loads the knowledge and indexes it.
func (g *global) openIndex(ctx context.Context) (*index.Live, configs.Config, error) {
	library, c, err := g.loadLibrary()
	if err != nil {
		return nil, configs.Config{}, err
	}
	live := &index.Live{}
	return live, c, swapIn(ctx, live, library, indexOptions(c, func(text string) { fmt.Fprintln(os.Stderr, "aeobot: "+text) }))
}

// indexFolder is where in the data folder indexes too large for memory are kept.
const indexFolder = "index"

// indexOptions keeps a large index in the data folder and tells what goes on.
func indexOptions(c configs.Config, tell func(text string)) index.Options {
	last := time.Now()
	return index.Options{
		Folder: filepath.Join(c.DataDir, indexFolder),
		Warn:   func(text string) { tell("warning: " + text) },
		Progress: func(done, all int) {
			if done == all || time.Since(last) >= time.Second {
				last = time.Now()
				tell(fmt.Sprintf("indexing %d of %d passages (%d%%)", done, all, done*100/max(all, 1)))
			}
		},
	}
}

// swapIn does all that can fail before it touches what is live.
func swapIn(ctx context.Context, live *index.Live, library *knowledge.Library, o index.Options) error {
	generation, err := index.Build(ctx, library, o)
	if errors.Is(err, index.ErrVocabulary) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	return live.Swap(generation)
}

// store is what both stores are, with names that do not show who wrote where.
type store interface {
	pseudonym.Backend
	Name(ctx context.Context, text string) (string, error)
	// Kept reports whether the key of the names lies in the store itself.
	Kept(ctx context.Context) (bool, error)
	Withdraw(ctx context.Context, spelled []bot.Asker) (int, error)
	CloseCompact() error
}

// shared is a store of several replicas.
type shared struct {
	*pseudonym.Store
	bot.Publications
}

// withKey puts names under the key of the settings before a store.
func withKey(c configs.Config, b pseudonym.Backend, log *slog.Logger) (store, error) {
	s, err := pseudonym.New(b, pseudonym.Options{Key: c.Store.Key.Reveal(), Former: c.Store.FormerKey.Reveal(), Keep: max(recordTTL, c.Session.TTL), Log: log})
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	if p, ok := b.(bot.Publications); ok {
		return shared{s, p}, nil
	}
	return s, nil
}

// recordTTL is how long a message counts as answered: WeCom's nonces are unique
// for two hours, its redeliveries end after seconds.
const recordTTL = 2 * time.Hour

// openStore opens Redis when it is configured, else the embedded store.
func openStore(c configs.Config, log *slog.Logger) (store, error) {
	if url := c.Redis.URL.Reveal(); url != "" {
		s, err := redisstore.Open(url, redisOptions(redisstore.Options{
			SessionTTL: c.Session.TTL, RecordTTL: recordTTL, UnansweredTTL: c.Unanswered.TTL, KeyPrefix: c.Redis.KeyPrefix,
			AllowInsecure: c.Redis.AllowInsecure, Log: log,
		}))
		if err != nil {
			return nil, usageError{err}
		}
		return withKey(c, s, log)
	}
	s, err := openBolt(c.DataDir, c, log)
	if err != nil {
		return nil, err
	}
	return withKey(c, s, log)
}

func openBolt(folder string, c configs.Config, log *slog.Logger) (*boltstore.Store, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, usageError{fmt.Errorf("data folder: %w; choose another with --data or data_dir", err)}
	}
	s, err := boltstore.Open(filepath.Join(folder, "aeobot.db"), boltOptions(boltstore.Options{
		SessionTTL: c.Session.TTL, RecordTTL: recordTTL, UnansweredTTL: c.Unanswered.TTL, Log: log,
	}))
	if err != nil {
		return nil, usageError{err}
	}
	return s, nil
}

// keeps tells whether a conversation in the terminal outlives the program.
func (g *global) keeps() bool { return g.data != "" || g.redis != "" }

// handover is how to reach a person, as the settings know it.
func handover(c configs.Config) bot.Handover {
	return bot.Handover{Text: c.Handover.Text, Coordinators: c.Curation.Coordinators, Customers: c.Handover.KF}
}

// openChatState keeps a terminal conversation where the flags say, or in a
// temporary folder that goes with the program.
func (g *global) openChatState(c configs.Config) (store, error) {
	log := slog.New(slog.DiscardHandler)
	if g.keeps() {
		return openStore(c, log)
	}
	folder, err := os.MkdirTemp("", "aeobot-chat-")
	if err != nil {
		return nil, fmt.Errorf("chat: %w", err)
	}
	b, err := openBolt(folder, c, log)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	s, err := withKey(c, b, log)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return temporary{s, folder}, nil
}

// temporary is a store whose folder goes when it is closed.
type temporary struct {
	store
	folder string
}

func (t temporary) Close() error {
	return errors.Join(t.store.Close(), os.RemoveAll(t.folder))
}

// newLog logs to standard error as the settings say.
func newLog(c configs.Config) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Log.Level)); err != nil {
		level = slog.LevelInfo // Validate has refused anything else
	}
	o := &slog.HandlerOptions{Level: level}
	if c.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, o))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, o))
}
