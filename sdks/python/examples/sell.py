"""What a seller does with a proof: `python sell.py`, with the seller's key in TOLLBRIDGE_KEY.

One JSON object per line of input: {"payment_proof": "…", "facts": {…}}, as the request brought them.
"""

import json
import sys

from tollbridge import Refused, Seller

seller = Seller.open()
for line in sys.stdin:
    request = json.loads(line)
    try:
        paid = seller.verify(request["payment_proof"], request["facts"])
        print(
            f"deliver {paid['resource_id']} for {paid['amount']} {paid['currency']}, once for {paid['delivery_key']}"
        )
        trade = seller.confirm(paid["trade_no"], "fulfilled")
        print(f"{trade['trade_no']}: {trade['payment_status']}")
    except Refused as fault:
        print(f"no delivery: {fault} ({fault.code})")
count = sum(1 for _ in seller.client.all("/v1/payments"))
print(f"{count} payments came in so far")
