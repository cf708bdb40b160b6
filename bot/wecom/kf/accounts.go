package kf

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"aeobot/bot"
)

// missed are accounts to look into that no nudge in the journal stands for: nobody was there
// to be told, or the store was away.
type missed struct {
	mu      sync.Mutex
	byName  map[string]nudge
	waiting time.Time // until when they are left
}

func (m *missed) add(n nudge) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.byName == nil {
		m.byName = map[string]nudge{}
	}
	m.byName[n.Account] = n
}

// take gives all of them, no more often than once in a time.
func (m *missed) take(every time.Duration) []nudge {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.byName) == 0 || time.Now().Before(m.waiting) {
		return nil
	}
	m.waiting = time.Now().Add(every)
	var all []nudge
	for _, n := range m.byName {
		all = append(all, n)
	}
	m.byName = nil
	return all
}

// followMissed looks into accounts that were missed.
func (k *Callback) followMissed() {
	for _, n := range k.missed.take(k.times.later) {
		if !k.room() {
			k.missed.add(n)
			continue
		}
		k.work.Go(func() { k.follow("", n) })
	}
}

// kindAccounts are the accounts that were read once; accountKeep is how long one is known
// that is not read again.
const (
	kindAccounts = "kf-accounts"
	accountKeep  = 90 * 24 * time.Hour
)

// know notes an account, so that it is looked into after a start.
func (k *Callback) know(ctx context.Context, account string) {
	if _, noted := k.known.Load(account); noted || account == "" {
		return
	}
	id := k.o.CorpID + "/" + account
	item, err := k.store.Get(ctx, kindAccounts, id)
	if err == nil {
		err = k.store.Put(ctx, kindAccounts, id, []byte(account), item.Version, accountKeep)
	}
	if err != nil && !errors.Is(err, bot.ErrStale) {
		k.o.Log.Debug("account not noted", slog.Any("error", err))
		return
	}
	k.known.Store(account, true)
}

// lookIntoAll has every known account looked into: while no replica ran, nobody could be
// told. The platform allows a call without a nudge's token, if not often. It reports whether
// the accounts could be listed.
func (k *Callback) lookIntoAll(ctx context.Context) bool {
	all, err := k.store.Items(ctx, kindAccounts)
	if err != nil {
		k.o.Log.Debug("accounts not listed", slog.Any("error", err))
		return false
	}
	for _, i := range all {
		if account := string(i.Data); i.ID == k.o.CorpID+"/"+account {
			k.missed.add(nudge{Account: account, At: k.o.Now().Unix()})
		}
	}
	return true
}
