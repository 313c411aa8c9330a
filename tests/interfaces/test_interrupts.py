"""Ctrl-C ends a batch also where Python drops the exception."""

import signal
import weakref

import pytest

from sfumato import interrupts


class Thing:
    pass


def test_an_interrupt_that_a_finalizer_swallowed_comes_again(capfd):
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with interrupts.kept() as check:
            check()
            thing = Thing()
            weakref.finalize(thing, signal.raise_signal, signal.SIGINT)
            del thing  # the exception comes up in the finalizer, and Python drops it
            with pytest.raises(KeyboardInterrupt):
                check()
        assert "Traceback" not in capfd.readouterr().err
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_listener_of_somebody_else_is_left_alone():
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts.kept() as check:
            check()
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
