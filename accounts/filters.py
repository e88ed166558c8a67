"""What a list of members can be narrowed by."""

import django_filters

from accounts.models import Member


class MemberFilter(django_filters.FilterSet):
    class Meta:
        model = Member
        fields = ("email", "name")
