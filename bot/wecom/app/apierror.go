package app

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
)

// What an errcode means for the caller. errors.Is finds them in an *APIError.
var (
	// ErrAccessToken: the platform no longer takes the access_token.
	ErrAccessToken = errors.New("access_token refused")
	// ErrCredential: corp id or secret is wrong. No access_token is asked for during
	// blockedFor afterwards, because the platform blocks the address of whoever
	// repeats a wrong secret for an hour.
	ErrCredential = errors.New("corp_id or secret is wrong")
	// ErrRateLimited: too many calls, or too many at once.
	ErrRateLimited = errors.New("rate limited")
	// ErrUntrustedIP: our outgoing address is not in 企业可信IP.
	ErrUntrustedIP = errors.New("caller's address is not trusted")
	// ErrRecipient: the person does not exist or may not use the application.
	ErrRecipient = errors.New("recipient is invalid or outside the visible range")
	// ErrBusy: the platform asks to try again.
	ErrBusy = errors.New("platform is busy")
)

// The error codes that are told apart (90313, read in March 2026).
const (
	codeBusy         = -1
	codeRateLimited  = 45009
	codeUntrustedIP  = 60020
	codeNoneReceived = 81013
)

// meanings is what each code means. To handle another one: add a row.
var meanings = map[int64]error{
	codeBusy:         ErrBusy,
	40014:            ErrAccessToken, // invalid
	41001:            ErrAccessToken, // missing
	42001:            ErrAccessToken, // expired
	40001:            ErrCredential,  // secret wrong
	40013:            ErrCredential,  // corpid wrong
	40091:            ErrCredential,  // secret is not this corp's
	codeRateLimited:  ErrRateLimited, // too many calls
	45033:            ErrRateLimited, // too many calls at once
	codeUntrustedIP:  ErrUntrustedIP,
	40003:            ErrRecipient, // userid invalid
	60111:            ErrRecipient, // userid unknown
	codeNoneReceived: ErrRecipient,
}

// APIError is an errcode of the platform.
type APIError struct {
	// Code is the errcode.
	Code int64
	// Message is errmsg, shortened, without secrets and without what is not ASCII.
	Message string
	// API is the call: message/send.
	API string
}

// Error names the call, the code, what it means and, where an operator can do
// something about it, what.
func (e *APIError) Error() string {
	text := fmt.Sprintf("%s: errcode %d", e.API, e.Code)
	if kind := meanings[e.Code]; kind != nil {
		text += ": " + kind.Error()
	}
	if e.Code == codeUntrustedIP {
		return text + "; add " + e.Address() + " to 企业可信IP of the application in the admin console"
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// Unwrap gives what the code means, or nil.
func (e *APIError) Unwrap() error { return meanings[e.Code] }

// fromIP is how errmsg names our address: "…, from ip: 203.0.113.7, more info at …".
var fromIP = regexp.MustCompile(`(?i)from ip:\s*([0-9a-f.:]+)`)

// Address is our outgoing address as the platform reported it.
func (e *APIError) Address() string {
	if m := fromIP.FindStringSubmatch(e.Message); m != nil {
		if ip, err := netip.ParseAddr(m[1]); err == nil {
			return ip.String()
		}
	}
	return "the outgoing address of this server"
}
