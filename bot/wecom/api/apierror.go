package api

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
	// ErrForbidden: the application may not do this; an administrator must allow it.
	ErrForbidden = errors.New("not allowed for this application")
	// ErrContent: what is said was refused, or the customer service account is blocked for
	// what it said.
	ErrContent = errors.New("content refused, or the account is blocked for its content")
	// ErrInput: the call itself is wrong. It is our fault, and repeating it is no use.
	ErrInput = errors.New("the call is wrong")
	// ErrSpent: a card's or message's one-time code is used up or too old.
	ErrSpent = errors.New("one-time code is used or too old")
	// ErrWindow: customer service may not write now (95001: five messages since the
	// customer's last, 95018: over 48 h, or a person has taken the talk over).
	ErrWindow = errors.New("customer service may not write to this customer now")
	// ErrRobot: the push robot was removed or disabled, or its key is wrong.
	ErrRobot = errors.New("push robot is removed, disabled, or its key is wrong")
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
	40056:            ErrForbidden, // agentid wrong
	301002:           ErrForbidden, // the access_token is another application's
	48002:            ErrForbidden, // API not allowed
	48006:            ErrForbidden, // withdrawn because unused for long
	50002:            ErrForbidden, // member outside the visible range
	50003:            ErrForbidden, // application disabled
	60011:            ErrForbidden, // no right on that member
	95011:            ErrForbidden, // customer service: wrong kind of secret
	95012:            ErrForbidden,
	95000:            ErrForbidden, // open_kfid invalid
	95004:            ErrForbidden, // open_kfid unknown
	95017:            ErrForbidden, // customer service: the account does not allow the API
	40096:            ErrRecipient, // external_userid invalid: a colleague
	40201:            ErrContent,
	40007:            ErrInput, // media_id invalid
	40008:            ErrInput, // bad type
	40058:            ErrInput, // bad parameters
	40063:            ErrInput, // missing parameter
	44004:            ErrInput, // empty text
	45001:            ErrInput, // file too large
	45002:            ErrInput, // text too long
	82001:            ErrInput, // no recipient
	2000002:          ErrInput, // corpid parameter invalid
	40029:            ErrSpent, // OAuth code
	42014:            ErrSpent, // task_id invalid
	42016:            ErrSpent, // task_id unknown
	60140:            ErrSpent, // response_code
	95001:            ErrWindow,
	95013:            ErrWindow, // session ended
	95018:            ErrWindow,
	93000:            ErrRobot,
	93004:            ErrRobot,
	93008:            ErrRobot,
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
	if how, ok := mends[meanings[e.Code]]; ok {
		text += "; " + how
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// mends is what an operator can do about it.
var mends = map[error]string{
	ErrCredential:  "check corp_id and secret in the settings",
	ErrRateLimited: "wait a minute; if it lasts, fewer messages",
	ErrForbidden:   "in the admin console check the application's API permissions, visible range and whether it is enabled",
	ErrContent:     "look at what was said, and in the admin console whether the account is blocked; it is not sent again",
	ErrRobot:       "copy the webhook address of the group's push robot again",
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
