// Package configs is the settings: their schema, defaults and checks, read from a
// YAML file and the environment. It knows nothing of what they are used for; only
// cmd imports it.
//
// Read configs.go first (the schema), then load.go, validate.go, secret.go.
package configs

import "time"

// Config is every setting. The yaml tags are the keys; the environment variable
// of a key is AEOBOT_ and the path in upper case, parted by _.
type Config struct {
	Listen          string        `yaml:"listen"`
	DataDir         string        `yaml:"data_dir"`
	ShutdownTimeout time.Duration `yaml:"shutdown_timeout"`
	// ShutdownDelay is how long a program told to stop (SIGTERM) says so at /readyz and
	// still answers, so that what is before it sends nobody here any more; 0: not at all.
	ShutdownDelay time.Duration `yaml:"shutdown_delay"`
	Redis         Redis         `yaml:"redis"`
	Store         Store         `yaml:"store"`
	Knowledge     Knowledge     `yaml:"knowledge"`
	Session       Session       `yaml:"session"`
	Unanswered    Unanswered    `yaml:"unanswered"`
	Answers       Answers       `yaml:"answers"`
	Questions     Questions     `yaml:"questions"`
	Corrections   Corrections   `yaml:"corrections"`
	Curation      Curation      `yaml:"curation"`
	Handover      Handover      `yaml:"handover"`
	Limits        Limits        `yaml:"limits"`
	WeCom         WeCom         `yaml:"wecom"`
	Console       Console       `yaml:"console"`
	Metrics       Metrics       `yaml:"metrics"`
	Log           Log           `yaml:"log"`
}

// Redis is the shared state. Its URL may hold a password, so it is a secret.
type Redis struct {
	URL       Secret `yaml:"url"`
	KeyPrefix string `yaml:"key_prefix"`
	// AllowInsecure permits a plain connection without password to another host.
	AllowInsecure bool `yaml:"allow_insecure"`
}

// Store is how what is kept is named, in Redis as in the embedded store.
type Store struct {
	// Key is what names made of a person or a chat are HMACs under; empty: one at random
	// that is kept in the store, where whoever reads all of it finds it.
	Key Secret `yaml:"key"`
	// FormerKey is the key of before, until each replica has the new one.
	FormerKey Secret `yaml:"former_key"`
}

// Knowledge names files and folders; none means the shipped article.
type Knowledge struct {
	Paths []string `yaml:"paths"`
}

// Session is the memory of a conversation.
type Session struct {
	TTL time.Duration `yaml:"ttl"`
}

// Curation is who may teach the bot in the chat.
type Curation struct {
	// Coordinators are their user ids.
	Coordinators []string `yaml:"coordinators"`
	// People is how many it takes to publish: 1, or 2 with the one who proposed.
	People int `yaml:"people"`
}

// Handover is what whoever asks for a person gets.
type Handover struct {
	// Text says how to reach one.
	Text string `yaml:"text"`
	// KF has customer service hand the talk over to a person on duty.
	KF bool `yaml:"kf"`
}

// Limits are how many messages a minute get a reply; 0: all.
type Limits struct {
	Person int `yaml:"person"`
	// Chat is for a whole group.
	Chat int `yaml:"chat"`
}

// Answers is what is kept of what was quoted, for verify.
type Answers struct {
	// TTL is how long; 0: nothing is kept.
	TTL time.Duration `yaml:"ttl"`
}

// Questions is what is kept of what people ask, without who asks, for the gate.
type Questions struct {
	// TTL is how long; 0: nothing is kept.
	TTL time.Duration `yaml:"ttl"`
}

// Corrections is what is kept of who was shown what, as digests of the words, so that they
// can be told when those are taken back.
type Corrections struct {
	// TTL is how long; 0: nothing is kept.
	TTL time.Duration `yaml:"ttl"`
}

// Unanswered is the coordinators' list of questions without an answer.
type Unanswered struct {
	TTL time.Duration `yaml:"ttl"`
}

// WeCom is the platform.
type WeCom struct {
	APIBaseURL string `yaml:"api_base_url"`
	// OAuthURL is where members are sent to log in to the console.
	OAuthURL string `yaml:"oauth_url"`
	// MaxClockSkew is how far a callback's timestamp may be off; 0: no check.
	MaxClockSkew time.Duration `yaml:"max_clock_skew"`
	AIBot        AIBot         `yaml:"aibot"`
	App          App           `yaml:"app"`
	KF           KF            `yaml:"kf"`
	Robot        Robot         `yaml:"robot"`
}

// AIBot is an AI bot. It has either a callback (token, key) or a long connection
// (id, secret).
type AIBot struct {
	Name           string `yaml:"name"`
	Token          Secret `yaml:"token"`
	EncodingAESKey Secret `yaml:"encoding_aes_key"`
	BotID          string `yaml:"bot_id"`
	Secret         Secret `yaml:"secret"`
	WSURL          string `yaml:"ws_url"`
	// Cards puts buttons under answers.
	Cards bool `yaml:"cards"`
	// Lease is how long the long connection stays with a replica that shows no sign of
	// life; then another takes it.
	Lease time.Duration `yaml:"lease"`
}

// App is a self-built application.
type App struct {
	CorpID         string `yaml:"corp_id"`
	AgentID        string `yaml:"agent_id"`
	Secret         Secret `yaml:"secret"`
	Token          Secret `yaml:"token"`
	EncodingAESKey Secret `yaml:"encoding_aes_key"`
	// Markdown sends replies as Markdown messages, which only WeCom's own client shows.
	Markdown bool `yaml:"markdown"`
	// Cards sends a card with buttons after an answer.
	Cards bool `yaml:"cards"`
}

// KF is WeChat customer service, for people outside the company.
type KF struct {
	CorpID         string `yaml:"corp_id"`
	Secret         Secret `yaml:"secret"`
	Token          Secret `yaml:"token"`
	EncodingAESKey Secret `yaml:"encoding_aes_key"`
}

// Robot is the push robot of the coordinators' group.
type Robot struct {
	// Key is the last part of its webhook address.
	Key Secret `yaml:"key"`
	// Every is how often questions without an answer are reported.
	Every time.Duration `yaml:"every"`
}

// Console is the coordinators' console. Without a password, accounts and a login through
// WeCom it answers this machine only.
type Console struct {
	// Listen is a listener of its own; empty: that of Config.Listen.
	Listen string `yaml:"listen"`
	// Password is that of the account admin.
	Password Secret `yaml:"password"`
	// Accounts are name:role:pbkdf2-sha256$iterations$salt$hash, parted by line breaks,
	// blanks or commas.
	Accounts Secret `yaml:"accounts"`
	// BaseURL is where people reach the console: scheme and host. With it and the
	// application's secret, members log in through WeCom.
	BaseURL string `yaml:"base_url"`
	// Admins and Readers are user ids; coordinators are those of Curation.
	Admins  []string `yaml:"admins"`
	Readers []string `yaml:"readers"`
	// TrustedProxies are addresses or networks whose X-Forwarded-Proto is believed for HSTS, and
	// whose X-Forwarded-For where guesses of passwords are counted.
	TrustedProxies []string `yaml:"trusted_proxies"`
}

// Metrics is what a monitoring system reads.
type Metrics struct {
	// Listen is a listener of its own; empty: that of Config.Listen.
	Listen string `yaml:"listen"`
}

// Log is what goes to standard error.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn, error
	Format string `yaml:"format"` // text, json
}

// Callbacks reports whether the platform calls this program, so that whoever is outside
// reaches its listener.
func (w WeCom) Callbacks() bool { return w.AIBot.Token != "" || w.App.Token != "" || w.KF.Token != "" }

// Login reports whether people have to log in to the console.
func (c Config) Login() bool {
	return c.Console.Password != "" || len(c.Console.accounts()) > 0 || c.MemberLogin()
}

// MemberLogin reports whether members log in to the console through WeCom.
func (c Config) MemberLogin() bool {
	return c.Console.BaseURL != "" && c.WeCom.App.CorpID != "" && c.WeCom.App.Secret != ""
}

// Access is who may enter the console and command the bot: what is read again while the
// program runs.
type Access struct {
	Accounts, Password            Secret
	Admins, Coordinators, Readers []string
}

// accessKeys are the settings of an Access.
var accessKeys = []string{"console.accounts", "console.password", "console.admins", "console.readers", "curation.coordinators"}

// Access is the part of the settings that is read again.
func (c Config) Access() Access {
	return Access{c.Console.Accounts, c.Console.Password, c.Console.Admins, c.Curation.Coordinators, c.Console.Readers}
}

// Default is the configuration of a program that nothing was set for.
func Default() Config {
	return Config{
		Listen:          "127.0.0.1:8080",
		DataDir:         "./data",
		ShutdownTimeout: 10 * time.Second,
		ShutdownDelay:   3 * time.Second,
		Redis:           Redis{KeyPrefix: "aeobot:"},
		Session:         Session{TTL: 30 * time.Minute},
		Unanswered:      Unanswered{TTL: 90 * 24 * time.Hour},
		Answers:         Answers{TTL: 30 * 24 * time.Hour},
		Questions:       Questions{TTL: 14 * 24 * time.Hour},
		Corrections:     Corrections{TTL: 7 * 24 * time.Hour},
		Curation:        Curation{Coordinators: []string{}, People: 2},
		Handover:        Handover{KF: true},
		Limits:          Limits{Person: 30, Chat: 300},
		WeCom: WeCom{
			APIBaseURL:   "https://qyapi.weixin.qq.com",
			OAuthURL:     "https://open.weixin.qq.com/connect/oauth2/authorize",
			MaxClockSkew: 10 * time.Minute,
			AIBot:        AIBot{WSURL: "wss://openws.work.weixin.qq.com", Cards: true, Lease: 15 * time.Second},
			App:          App{Cards: true},
			Robot:        Robot{Every: 10 * time.Minute},
		},
		Console: Console{Admins: []string{}, Readers: []string{}, TrustedProxies: []string{}},
		Log:     Log{Level: "info", Format: "text"},
	}
}
