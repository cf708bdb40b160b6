package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aeobot/bot/console/login"
	"aeobot/bot/wecom/aibot"
)

// readiness is the body of /readyz.
type readiness struct {
	// Status is ready, degraded (answers, but something is away) or not_ready.
	Status    string          `json:"status"`
	Reasons   []string        `json:"reasons"`
	Knowledge *knowledgeState `json:"knowledge,omitempty"`
	State     string          `json:"state"` // bbolt or redis
	// Connection is the AI bot's long connection, when one is configured: ready,
	// standby (another replica has it), connecting, limited, displaced or refused.
	Connection string `json:"long_connection,omitempty"`
	// Heard is what reached this process of each channel since it started, for this machine.
	Heard map[string]channelHeard `json:"heard,omitempty"`
	Since time.Time               `json:"since,omitzero"`
}

type knowledgeState struct {
	Version   string `json:"version"`
	Documents int    `json:"documents"`
	Passages  int    `json:"passages"`
}

// connectionTrouble says what is wrong with a long connection and how to mend it.
var connectionTrouble = map[string]string{
	aibot.StateConnecting: "long connection: not connected yet; the log says why",
	aibot.StateDisplaced:  "long connection: another program is connected as this bot; stop it",
	aibot.StateLimited:    "long connection: the platform counts too many logins (45009); the next one comes in minutes; stop other programs that log in as this bot",
	aibot.StateRefused:    "long connection: bot id or secret refused; check wecom.aibot.bot_id and wecom.aibot.secret",
}

// ready answers /readyz. A lost store degrades the bot but does not make it
// unready: it answers from the index all the same.
func (s *server) ready(w http.ResponseWriter, q *http.Request) {
	r := s.readiness(q.Context())
	if login.Elsewhere(q) != "" {
		r.Reasons = briefly(r.Reasons)
	} else {
		r.Heard, r.Since = s.heard.all(), s.heard.since
	}
	w.Header().Set("Content-Type", "application/json")
	if r.Status == "not_ready" {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(r) // the client may be gone; there is nobody left to tell
}

// briefly leaves out of each reason what the operators' own machine alone shows: addresses,
// paths, what the platform said. It begins with what is in trouble.
func briefly(reasons []string) []string {
	brief := make([]string, len(reasons))
	for i, r := range reasons {
		brief[i], _, _ = strings.Cut(r, ":")
	}
	return brief
}

// readiness looks at all that the bot depends on. Each reason names the mend.
func (s *server) readiness(ctx context.Context) readiness {
	r := readiness{Status: "ready", Reasons: []string{}, State: s.store.Kind()}
	degraded := func(reason string) {
		r.Status = "degraded"
		r.Reasons = append(r.Reasons, reason)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := s.store.Check(ctx); err != nil {
		degraded(s.store.Kind() + ": " + err.Error())
	}
	if s.long != nil {
		r.Connection = s.long.State()
		if why, bad := connectionTrouble[r.Connection]; bad {
			degraded(why)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.callbacks)) {
		if off := s.callbacks[name].ClockOff(); off != 0 {
			degraded(fmt.Sprintf("%s: callbacks refused for their time; the clock here is off by %s: set it, or wecom.max_clock_skew", name, off.Round(time.Second)))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.clients)) {
		if err := s.clients[name].Trouble(); err != nil {
			degraded(name + ": " + err.Error())
		}
	}
	if s.kf != nil {
		for _, why := range s.kf.Troubles() {
			degraded("customer service: " + why)
		}
	}
	if why := s.stale.Load(); why != nil {
		degraded("knowledge: " + *why)
	}
	if why := s.diverged.Load(); why != nil {
		degraded("knowledge: " + *why)
	}
	if why := s.unknown.Load(); why != nil {
		degraded("console: nobody may enter, since the settings cannot be read: " + *why)
	}
	if s.stopping.Load() {
		r.Status = "not_ready"
		r.Reasons = append(r.Reasons, "stopping")
		return r
	}
	g, release, err := s.live.Acquire()
	if err != nil {
		r.Status = "not_ready"
		r.Reasons = append(r.Reasons, err.Error())
		return r
	}
	defer release()
	l := g.Library()
	r.Knowledge = &knowledgeState{l.Fingerprint, len(l.Documents), len(l.Passages())}
	return r
}

func newHealth(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "health",
		Short: "问一问正在运行的 serve 是否就绪（容器的健康检查用它）",
		Args:  arguments(cobra.NoArgs, "it takes the address from the settings"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := g.settings()
			if err != nil {
				return err
			}
			return askReady(cmd.Context(), c.Listen, cmd.OutOrStdout())
		},
	}
}

func askReady(ctx context.Context, listen string, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+reachable(listen)+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("health: %w; is `aeobot serve` running?", err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(out, io.LimitReader(response.Body, 1<<16)); err != nil {
		return fmt.Errorf("health: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return errShort
	}
	return nil
}
