package app

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/silenceper/wechat/v2/work"
	"github.com/silenceper/wechat/v2/work/config"
)

// The calls we make, as errors and logs name them.
const (
	apiGetToken = "gettoken"
	apiSend     = "message/send"
)

// callSDK makes one SDK client a call, each with its access_token: so we know which
// one was refused, and the SDK's own token source (which holds its lock while it
// waits for the network) is never asked.
func (s *Sender) callSDK(token string, m textMessage) error {
	w := work.NewWork(&config.Config{CorpID: s.corpID, AgentID: strconv.FormatInt(s.agentID, 10), Cache: noCache{}})
	w.GetContext().AccessTokenHandle = given(token)
	res, err := w.GetMessage().Send(apiSend, m)
	switch {
	case err != nil:
		return err
	case res.InvalidUser != "" || res.UnlicensedUser != "":
		return fmt.Errorf("%s: %w", apiSend, ErrRecipient) // although errcode is 0
	}
	return nil
}

// guarded turns a panic of the SDK into an error. We call it from goroutines of
// our own, where nobody else would recover. The value is not repeated: it may
// quote what was sent.
func guarded(api string, call func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: panic in the SDK (%T)", api, p)
		}
	}()
	return call()
}

// textMessage is the body of message/send. The SDK's own type writes agentid as a
// string, where the platform documents a number.
type textMessage struct {
	ToUser  string `json:"touser"`
	MsgType string `json:"msgtype"`
	AgentID int64  `json:"agentid"`
	Text    struct {
		Content string `json:"content"`
	} `json:"text"`
	EnableDuplicateCheck   int `json:"enable_duplicate_check"`
	DuplicateCheckInterval int `json:"duplicate_check_interval"` // seconds
}

// given is an access_token handed to the SDK, which puts it into an address as it is.
type given string

func (g given) GetAccessToken() (string, error) { return url.QueryEscape(string(g)), nil }

// noCache is the cache the SDK wants to see. It is never used, because the token
// source that would use it is replaced.
type noCache struct{}

func (noCache) Get(string) any                       { return nil }
func (noCache) Set(string, any, time.Duration) error { return errors.New("app: the SDK has no cache") }
func (noCache) IsExist(string) bool                  { return false }
func (noCache) Delete(string) error                  { return nil }
