package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/silenceper/wechat/v2/util"
	"github.com/silenceper/wechat/v2/work"
	"github.com/silenceper/wechat/v2/work/config"
)

// apiGetToken is the call that brings an access_token, as errors and logs name it.
const apiGetToken = "gettoken"

// sdk makes one SDK client a call, each with its access_token: so we know which
// one was refused, and the SDK's own token source (which holds its lock while it
// waits for the network) never asks the platform.
func (c *Client) sdk(token string) *work.Work {
	w := work.NewWork(&config.Config{CorpID: c.corpID, AgentID: c.agentID, Cache: holding(token)})
	w.GetContext().AccessTokenHandle = given(token)
	return w
}

// Post makes a call that the SDK has no function for: name is the path behind
// /cgi-bin/. The answer, errcode 0, is read into answer unless that is nil.
func Post(w *work.Work, name string, body, answer any) error {
	token, err := w.GetContext().GetAccessToken()
	if err != nil {
		return err
	}
	data, err := util.PostJSON(platformURL+"/cgi-bin/"+name+"?access_token="+token, body)
	if err != nil || answer == nil {
		return err
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return fmt.Errorf("%s: %w", name, errAnswer)
	}
	return nil
}

// Get is Post for a call that is asked with parameters and has no body.
func Get(w *work.Work, name string, parameters url.Values, answer any) error {
	token, err := w.GetContext().GetAccessToken()
	if err != nil {
		return err
	}
	data, err := util.HTTPGet(platformURL + "/cgi-bin/" + name + "?access_token=" + token + "&" + parameters.Encode())
	if err != nil || answer == nil {
		return err
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return fmt.Errorf("%s: %w", name, errAnswer)
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

// given is a credential that does not change. It is handed to the SDK, which puts it
// into an address as it is.
type given string

func (g given) GetAccessToken() (string, error)     { return url.QueryEscape(string(g)), nil }
func (g given) get(context.Context) (string, error) { return string(g), nil }
func (given) drop(context.Context, string)          {}
func (given) stop(error)                            {}

// holding is the cache the SDK wants to see: it holds the access_token of the call,
// for those parts of the SDK that insist on a token source of their own (kf).
type holding string

func (h holding) Get(string) any                     { return url.QueryEscape(string(h)) }
func (holding) Set(string, any, time.Duration) error { return errors.New("api: the SDK has no cache") }
func (holding) IsExist(string) bool                  { return true }
func (holding) Delete(string) error                  { return nil }
