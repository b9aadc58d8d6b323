"""How the gate becomes a role: which token it sends, and when it can be nobody."""

import time

import jwt
import pytest
from tests.acceptance.world import token

from pgrst_gate.errors import UsageError
from pgrst_gate.inputs import Given, Inputs, read_inputs
from pgrst_gate.plan import make_plan
from pgrst_gate.roles import LIFETIME, credentials, is_for_anybody, signed

SECRET = "a secret of PostgREST's, of 32 characters or more"
OTHER = "another secret, of which PostgREST has never heard"
MEMBER = token("member", secret=OTHER)


def inputs(**texts: str) -> Inputs:
    """The inputs, by attribute names."""
    texts = {"url": "http://localhost:3000", "expected_tables": "scans", **texts}
    return read_inputs({name.replace("_", "-"): Given(text, name) for name, text in texts.items()})


def sent(role: str, **texts: str) -> str | None:
    """The token that is sent to be the role; empty for none, None where there is no way."""
    found = credentials(inputs(**texts), role)
    return None if found is None else found.token


@pytest.mark.parametrize("role", ["member", "Web User", 'quo"ted', "größe"])
def test_a_token_that_is_made_is_one_of_the_role(role: str) -> None:
    """A library of JWT takes it by the secret, with a short life, and by no other secret."""
    made = sent(role, jwt_secret=SECRET)

    assert made is not None
    claims = jwt.decode(made, SECRET, algorithms=["HS256"], options={"require": ["exp"]})
    assert claims["role"] == role
    assert time.time() < claims["exp"] <= time.time() + LIFETIME
    assert jwt.get_unverified_header(made) == {"alg": "HS256", "typ": "JWT"}
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(made, OTHER, algorithms=["HS256"])


def test_a_token_keeps_its_claims() -> None:
    """All that it is made of, and nothing but its end besides."""
    claims = jwt.decode(signed({"role": "a", "sub": "b"}, SECRET), SECRET, algorithms=["HS256"])

    assert claims.keys() == {"role", "sub", "exp"}


@pytest.mark.parametrize(
    ("role", "texts", "expected"),
    [
        ("member", {"role_tokens": f"member: {MEMBER}", "jwt_secret": SECRET}, MEMBER),
        ("member", {"token": MEMBER, "jwt_secret": SECRET}, MEMBER),
        ("member", {"api_key": MEMBER}, MEMBER),
        ("member", {"token": token("root")}, None),
        ("member", {}, None),
        ("anon", {}, ""),
        ("anonymous", {}, ""),
        ("anonymous", {"jwt_secret": SECRET}, ""),
        ("anon", {"api_key": "sb_publishable_x"}, ""),
        ("anon", {"api_key": token("anon", secret=OTHER)}, token("anon", secret=OTHER)),
        ("anonymous", {"api_key": token("anon", secret=OTHER)}, ""),
        ("anon", {"api_key": "sb_secret_x"}, None),
        ("anonymous", {"api_key": MEMBER, "jwt_secret": SECRET}, None),
        ("anonymous", {"role_tokens": f"anonymous: {MEMBER}"}, MEMBER),
    ],
)
def test_the_token_of_a_role_is_the_first_that_there_is(
    role: str, texts: dict[str, str], expected: str | None
) -> None:
    """The one given for it, one that claims it, none for who needs none; and else nobody."""
    assert sent(role, **texts) == expected


def test_no_other_token_goes_along() -> None:
    """One among the headers would make the same role of all; the API's key stays."""
    headers = f"authorization: Bearer {MEMBER}\nX-Tenant: a"

    found = credentials(inputs(headers=headers, api_key="sb_publishable_x"), "anon")

    assert found is not None
    assert (found.api_key, found.token) == ("sb_publishable_x", "")
    assert found.headers == {"X-Tenant": "a"}


@pytest.mark.parametrize(
    ("key", "anybody"),
    [
        ("", True),
        ("sb_publishable_x", True),
        ("sb_secret_x", False),
        ("no JWT", True),
        (token("anon"), True),
        (token("service_role"), False),
    ],
)
def test_a_key_is_for_anybody_where_it_makes_no_other_role(key: str, *, anybody: bool) -> None:
    """Supabase's by their names, a JWT by its role."""
    assert is_for_anybody(key) is anybody


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"access": "member may read scans"}, "rules on member, which the gate cannot be"),
        (
            {"access": "anon may read scans", "api_key": "sb_secret_x"},
            "`api-key` makes every request that of another role",
        ),
    ],
)
def test_a_rule_on_a_role_that_nobody_can_be_is_refused(
    texts: dict[str, str], message: str
) -> None:
    """Before anything is sent, with what to give."""
    with pytest.raises(UsageError, match=message) as refused:
        make_plan(inputs(**texts))

    assert "`role-tokens`" in f"{refused.value} {refused.value.hint}"
