package main

import (
	"time"

	"aeobot/bot"
	"aeobot/bot/boltstore"
	"aeobot/bot/redisstore"
)

// unhurried is set at link time (-X main.unhurried=yes) for tests that are not about time:
// a machine that is busy with other things must not make an apology of a reply. No setting
// reaches it.
var unhurried string

// patience is how long an unhurried program waits where others wait for a moment.
const patience = time.Minute

func engineOptions(o bot.Options) bot.Options {
	if unhurried != "" {
		o.Lease, o.SearchWithin = patience, patience
	}
	return o
}

func redisOptions(o redisstore.Options) redisstore.Options {
	if unhurried != "" {
		o.StepTimeout = patience
	}
	return o
}

func boltOptions(o boltstore.Options) boltstore.Options {
	o.NoSync = unhurried != ""
	return o
}
