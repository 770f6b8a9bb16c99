"""A buyer as a program of its own, so that it can be killed: `buyer.py KEY SERVER PURCHASES URL`, with
purchase key `bread`."""

import json
import sys

from tollbridge import Wallet

key, server, purchases, url = sys.argv[1:]
bought = Wallet.open(key, server, purchases=purchases).get(url, max_price="1.00 CNY", purchase="bread")
body = bought.answer.text() if bought.answer else None
print(json.dumps({"state": bought.payment.state, "id": bought.payment.id, "body": body}))
