package main

import (
	"net/http"
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"aeobot/bot"
	"aeobot/bot/wecom/kf"
)

// metrics are what /metrics shows. Every label value comes from a closed set, so
// no person and no text can become one.
type metrics struct {
	registry  *prometheus.Registry
	turns     *prometheus.CounterVec
	seconds   *prometheus.HistogramVec
	replayed  *prometheus.CounterVec
	degraded  *prometheus.CounterVec
	handovers *prometheus.CounterVec
	limited   *prometheus.CounterVec
	panics    *prometheus.CounterVec
	callbacks *prometheus.CounterVec
	logins    *prometheus.CounterVec
	refusals  *prometheus.CounterVec
	kfRefused *prometheus.CounterVec
	unreached *prometheus.CounterVec
	passages  prometheus.Gauge
	diverged  prometheus.Gauge
}

func newMetrics() *metrics {
	m := &metrics{
		registry:  prometheus.NewRegistry(),
		turns:     counter("turns_total", "Messages answered, by channel, what the reply did, and whether it quoted.", "channel", "act", "answered"),
		replayed:  counter("replayed_total", "Redelivered messages that got the reply of before.", "channel"),
		degraded:  counter("degraded_total", "Turns whose state could not be read or written.", "channel"),
		handovers: counter("handover_total", "Messages that asked for a person, by channel.", "channel"),
		panics:    counter("panics_total", "Messages whose reply panicked; their askers read an apology.", "channel"),
		limited:   counter("limited_total", "Messages beyond a limit, by channel and whose limit it was; the first of a flood got a notice, the others no reply.", "channel", "limit"),
		callbacks: counter("callbacks_total", "Callbacks by outcome.", "channel", "outcome"),
		refusals:  counter("refusals_total", "Frames and calls that the platform refused, by channel, its error code, and what was done (given_up: somebody did not get what was to be said).", "channel", "code", "done"),
		logins:    counter("console_logins_total", "Logins to the console, by way and outcome; refused are wrong passwords, delayed were not looked at since too many were wrong before.", "way", "outcome"),
		kfRefused: counter("kf_refused_total", "Calls of customer service that failed, by call, the platform's code, and what that means for the reply.", "call", "code", "class"),
		unreached: counter("kf_send_failed_total", "Messages to customers that the platform took and did not deliver, by its fail_type.", "fail_type"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "aeobot", Name: "turn_seconds", Help: "Time from message to reply.",
			Buckets: []float64{.0005, .001, .002, .005, .01, .025, .05, .1, .25, .5, 1, 2, 4},
		}, []string{"channel"}),
		passages: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "aeobot", Name: "passages", Help: "Passages that can be answered from."}),
	}
	m.diverged = prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "aeobot", Name: "versions_diverged", Help: "1 while the published versions of this replica and of another have parted, else 0."})
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "aeobot", Name: "build_info", Help: "Always 1."}, []string{"version"})
	build.WithLabelValues(release(version, buildInfo())).Set(1)
	m.registry.MustRegister(m.turns, m.seconds, m.replayed, m.degraded, m.handovers, m.limited, m.panics, m.callbacks, m.refusals, m.logins, m.kfRefused, m.unreached, m.passages, m.diverged, build)
	return m
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "aeobot", Name: name, Help: help}, labels)
}

// observe counts one turn.
func (m *metrics) observe(e bot.Event) {
	quoted := "no"
	if e.Answered {
		quoted = "yes"
	}
	m.turns.WithLabelValues(e.Channel, e.Act, quoted).Inc()
	m.seconds.WithLabelValues(e.Channel).Observe(e.Took.Seconds())
	if e.Replayed {
		m.replayed.WithLabelValues(e.Channel).Inc()
	}
	if e.Handover && !e.Replayed {
		m.handovers.WithLabelValues(e.Channel).Inc()
	}
	if e.Limited != "" {
		m.limited.WithLabelValues(e.Channel, e.Limited).Inc()
	}
	if e.Panicked {
		m.panics.WithLabelValues(e.Channel).Inc()
	}
	if e.Degraded {
		m.degraded.WithLabelValues(e.Channel).Inc()
	}
}

// parted notes whether the published versions of the replicas have parted.
func (m *metrics) parted(yes bool) {
	m.diverged.Set(0)
	if yes {
		m.diverged.Set(1)
	}
}

// callback counts outcomes of one channel's callbacks.
func (m *metrics) callback(channel string) func(outcome string) {
	return func(outcome string) { m.callbacks.WithLabelValues(channel, outcome).Inc() }
}

// maxCodes bounds the error codes that have a count of their own.
const maxCodes = 100

// refused counts what the platform refused one channel, by its error codes.
func (m *metrics) refused(channel string) func(code int, done string) {
	var mu sync.Mutex
	known := map[int]bool{}
	return func(code int, done string) {
		mu.Lock()
		defer mu.Unlock()
		label := "other"
		if known[code] || len(known) < maxCodes {
			known[code], label = true, strconv.Itoa(code)
		}
		m.refusals.WithLabelValues(channel, label, done).Inc()
	}
}

// customerRefused counts a call of customer service that failed, customerUnreached a message
// that was taken and did not arrive.
func (m *metrics) customerRefused(r kf.Refusal) {
	m.kfRefused.WithLabelValues(r.Call, r.Code, r.Class).Inc()
}
func (m *metrics) customerUnreached(failType string) { m.unreached.WithLabelValues(failType).Inc() }

// login counts what came of a login to the console.
func (m *metrics) login(way, outcome string) { m.logins.WithLabelValues(way, outcome).Inc() }

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
