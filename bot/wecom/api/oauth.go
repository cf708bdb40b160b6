package api

import (
	"context"
	"fmt"
	"net/url"

	"github.com/silenceper/wechat/v2/work"
	"github.com/silenceper/wechat/v2/work/oauth"
)

// apiUserInfo is the call that tells who logs in, as errors and logs name it.
const apiUserInfo = "auth/getuserinfo"

// maxUserID bounds a user id, in bytes (90195).
const maxUserID = 64

// UserOf gives the user id of the member who came back from the platform's login with a
// code (91023). It gives an empty one for whoever is no member of the company: the
// platform calls that a success, too, and names an openid. It fails with ErrSpent when
// the code was used, is older than five minutes, or never was one.
func (c *Client) UserOf(ctx context.Context, code string) (string, error) {
	var info *oauth.GetUserInfoResponse
	err := c.Call(ctx, apiUserInfo, []string{code}, func(w *work.Work) (err error) {
		// The SDK puts the code into the address as it is.
		info, err = w.GetOauth().GetUserInfo(url.QueryEscape(code))
		return err
	})
	if err != nil {
		return "", err
	}
	if len(info.UserID) > maxUserID {
		return "", fmt.Errorf("api: %s: user id of %d bytes", apiUserInfo, len(info.UserID))
	}
	return info.UserID, nil
}
