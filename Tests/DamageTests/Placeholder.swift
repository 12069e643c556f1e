import DamageLab
