"""Keeps the receipt of a payment, and checks it without the server: `python receipt.py PAYEE FILE LOG-KEYS`.

LOG-KEYS is a file with what `GET /log/vkey` said when you first met the server: the key you trust.
"""

import json
import sys
from pathlib import Path

from tollbridge import ReceiptFalse, Wallet, verify_receipt

payee, file, keys = sys.argv[1:]
vkey = Path(keys).read_text()
with Wallet.open(vkey=vkey) as wallet:
    payment = wallet.pay(payee, "0.01 CNY", purchase="kept").settled()
    Path(file).write_text(json.dumps(wallet.receipt(payment)))

# From here on nobody is asked.
receipt = json.loads(Path(file).read_text())
recorded = verify_receipt(receipt, vkey)
print(f"entry {recorded.entry} is in {recorded.origin}, a log of {recorded.size} entries")
try:
    verify_receipt(receipt | {"entry": receipt["entry"] + 1}, vkey)
except ReceiptFalse as fault:
    print(f"another place: {fault} ({fault.code})")
