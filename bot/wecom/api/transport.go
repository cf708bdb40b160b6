package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/silenceper/wechat/v2/util"
)

const (
	// platformURL is what the SDK writes in front of every call.
	platformURL = "https://qyapi.weixin.qq.com"
	// requestTimeout bounds one call of the platform, body included.
	requestTimeout = 5 * time.Second
	// maxAnswerBytes bounds what is read of one answer. Honest ones have a few
	// hundred bytes; the SDK itself reads without end.
	maxAnswerBytes = 4 << 20
)

// guard is the part of the SDK that exists once per process: its HTTP client and
// the function that changes addresses.
var guard struct {
	sync.Mutex
	baseURL string // empty: not yet installed
}

// installGuard gives the SDK our HTTP client and base URL, for the whole process.
// The SDK reads both from package variables without a lock, so they are written
// once, before the first call, and a second base URL is refused instead of
// silently sending one application's secrets to the other's address.
func installGuard(baseURL string) error {
	baseURL, err := checkBaseURL(baseURL)
	if err != nil {
		return err
	}
	guard.Lock()
	defer guard.Unlock()
	switch guard.baseURL {
	case baseURL:
		return nil
	case "":
	default:
		return errors.New("api: another API base URL is already in use in this process")
	}
	util.DefaultHTTPClient = newHTTPClient()
	util.SetURIModifier(func(uri string) string {
		if path, ours := strings.CutPrefix(uri, platformURL); ours {
			return baseURL + path
		}
		return uri
	})
	guard.baseURL = baseURL
	return nil
}

// checkBaseURL gives the form that is put in front of /cgi-bin. Its errors do not
// repeat the address, which may hold a password.
func checkBaseURL(s string) (string, error) {
	if s == "" {
		return platformURL, nil
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" ||
		u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return "", errors.New("api: API base URL must be http(s)://host[:port][/path] and nothing more")
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// newHTTPClient is the client behind every call of the SDK.
func newHTTPClient() *http.Client {
	return &http.Client{
		Timeout:   requestTimeout,
		Transport: judge{newTransport()},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // the API never redirects; the query holds a secret
		},
	}
}

func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment, // for a fixed address, see 企业可信IP
		DialContext:            (&net.Dialer{Timeout: 3 * time.Second}).DialContext,
		TLSHandshakeTimeout:    3 * time.Second,
		DisableCompression:     true, // 300 kB of gzip unpack to 300 MB
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    maxCalls,
		MaxConnsPerHost:        2 * maxCalls,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// judge looks at every answer before the SDK does. What passes is a JSON object
// of bounded size, status 200, with an errcode of 0: the SDK takes {} and null
// for success, puts the address with its secrets into its error for any other
// status, and would unpack and read without limit.
type judge struct {
	next http.RoundTripper
}

// RoundTrip reads the whole answer. Its errors name the API and never the address;
// http.Client puts the address around them again, redact takes it off.
func (j judge) RoundTrip(req *http.Request) (*http.Response, error) {
	api := apiName(req.URL)
	resp, err := j.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %w: %d", api, errStatus, resp.StatusCode)
	}
	body, err := readAnswer(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", api, err)
	}
	if err := judgeAnswer(api, body); err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	resp.ContentLength = int64(len(body))
	return resp, nil
}

// errStatus is returned for any status but 200, whatever the body says.
var errStatus = errors.New("unexpected HTTP status")

// errAnswer is returned for an answer that is not one of the API's.
var errAnswer = errors.New("answer is not a JSON object with an errcode")

// errTooLarge is returned for an answer above maxAnswerBytes.
var errTooLarge = fmt.Errorf("answer is larger than %d bytes", maxAnswerBytes)

func readAnswer(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxAnswerBytes+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxAnswerBytes {
		return nil, errTooLarge
	}
	return bytes.TrimPrefix(body, []byte("\ufeff")), nil // a byte order mark is no JSON
}

// verdict is what every answer of the API has. A pointer tells 0 from absent.
type verdict struct {
	Code    *int64 `json:"errcode"`
	Message string `json:"errmsg"`
}

// judgeAnswer gives nil for errcode 0 and *APIError for another.
func judgeAnswer(api string, body []byte) error {
	var v verdict
	if err := json.Unmarshal(body, &v); err != nil || v.Code == nil {
		return fmt.Errorf("%s: %w", api, errAnswer)
	}
	if *v.Code != 0 {
		return &APIError{Code: *v.Code, Message: v.Message, API: api}
	}
	if strings.Contains(strings.ToLower(v.Message), partlyRead) {
		return &APIError{Code: *v.Code, Message: v.Message, API: api}
	}
	return nil
}

// partlyRead in errmsg means that the platform read our body only in part, even
// when errcode is 0 (90313).
const partlyRead = "wrong json format"

// apiName is the call's name in errors and logs: message/send.
func apiName(u *url.URL) string {
	_, name, found := strings.Cut(u.Path, "/cgi-bin/")
	if !found {
		return "unknown API"
	}
	return name
}
