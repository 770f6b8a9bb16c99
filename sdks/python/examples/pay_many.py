"""Pays many at once, in as few requests as there can be: `python pay_many.py PAYEE COUNT`."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

from tollbridge import Payment, Wallet

payee, count = sys.argv[1], int(sys.argv[2])
wallet = Wallet.open()
print(f"available {wallet.limits().available.in_words()}")


def pay(row: int) -> Payment:
    """Each has a name in our own books, so running this again pays nothing again."""
    return wallet.pay(payee, "0.01 CNY", purchase=f"row-{row}").settled()


started = time.monotonic()
# What threads ask while a request is under way leaves together with the next.
with ThreadPoolExecutor(50) as pool:
    payments = list(pool.map(pay, range(count)))
print(f"{len(payments)} paid in {time.monotonic() - started:.2f} s")
