package kf

import (
	"context"

	"github.com/silenceper/wechat/v2/work"
	sdk "github.com/silenceper/wechat/v2/work/kf"

	"aeobot/bot/wecom/api"
)

// Take takes an event that came to the callback of the application through which customer
// service's API is called.
func (k *Callback) Take(ctx context.Context, event []byte) error {
	_, err := k.handle(ctx, event)
	return err
}

// Account is a customer service account as the platform shows it to the application.
type Account struct {
	ID, Name string
	// Managed reports whether the application may answer there.
	Managed bool
	// OnDuty is how many servicers receive customers now, whose talks are theirs.
	OnDuty int
}

// Accounts are those that the application can see (pages 94661, 94645).
func Accounts(ctx context.Context, client *api.Client) ([]Account, error) {
	var list sdk.AccountListSchema
	err := client.Call(ctx, "kf/account/list", nil, withKF(func(c *sdk.Client) (err error) {
		list, err = c.AccountList()
		return err
	}))
	if err != nil {
		return nil, err
	}
	accounts := make([]Account, 0, len(list.AccountList))
	for _, a := range list.AccountList {
		duty, err := countOnDuty(ctx, client, a.OpenKFID)
		if err != nil {
			return nil, err
		}
		accounts = append(accounts, Account{ID: a.OpenKFID, Name: a.Name, Managed: a.ManagePrivilege, OnDuty: duty})
	}
	return accounts, nil
}

// countOnDuty counts who receives the customers of an account.
func countOnDuty(ctx context.Context, client *api.Client, account string) (n int, err error) {
	err = client.Call(ctx, "kf/servicer/list", nil, withKF(func(c *sdk.Client) error {
		list, err := c.ReceptionistList(account)
		n = 0
		for _, s := range list.ReceptionistList {
			if s.UserID != "" && s.Status == 0 {
				n++
			}
		}
		return err
	}))
	return n, err
}

// withKF calls the SDK's part for customer service.
func withKF(call func(*sdk.Client) error) func(*work.Work) error {
	return func(w *work.Work) error {
		c, err := w.GetKF()
		if err != nil {
			return err
		}
		return call(c)
	}
}
